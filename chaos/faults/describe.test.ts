import { describe, expect, test } from '@jest/globals'
import { FAULT_KINDS } from './catalogue.ts'
import { describeFaults } from './describe.ts'

const rows = describeFaults()

function parameter(kind: string, name: string) {
  return rows.find(row => row.kind === kind)?.parameters.find(each => each.parameter === name)
}

describe('describeFaults()', () => {
  test('tells every kind, each with what it does', () => {
    expect(rows.map(row => row.kind)).toEqual(FAULT_KINDS)
    expect(rows.filter(row => !/^[A-Z].*\.$/.test(row.summary))).toEqual([])
  })

  test('tells of every parameter what it is', () => {
    const mute = rows.flatMap(row =>
      row.parameters.filter(each => each.description === '').map(each => `${row.kind} ${each.parameter}`),
    )
    expect(mute).toEqual([])
  })

  test('gives unit, range and default', () => {
    expect(parameter('latency', 'delayMs')).toMatchObject({
      unit: 'ms',
      range: '> 0, <= 10000',
      defaultValue: null,
      required: true,
    })
    expect(parameter('cpu', 'workers')).toMatchObject({
      unit: '',
      range: 'whole, 1 to 64',
      defaultValue: '1',
      required: false,
    })
    expect(parameter('memory', 'percentOfLimit')).toMatchObject({ unit: '%', required: false })
    expect(parameter('bandwidth', 'kbitPerSecond')).toMatchObject({ unit: 'kbit/s' })
    expect(parameter('slow-database', 'mode')).toMatchObject({
      range: 'lock | slow-queries',
      defaultValue: 'slow-queries',
    })
  })

  test('gives what stands below the selection, and that no group but one may be there', () => {
    expect(parameter('kill-pod', 'select.group')).toMatchObject({ range: 'experiment', required: true })
    expect(parameter('kill-pod', 'select.services')).toMatchObject({
      range: 'list of gateway | recommender | database',
    })
  })

  test('asks for nothing below what may be left out', () => {
    const optional = parameter('blackhole', 'peer.services')
    expect(optional).toMatchObject({ required: false })
  })

  test('puts what is its own before what many share', () => {
    const names = rows.find(row => row.kind === 'loss')?.parameters.map(each => each.parameter)
    expect(names?.slice(0, 2)).toEqual(['lossPercent', 'direction'])
    expect(names?.at(-1)).toBe('durationSeconds')
  })
})
