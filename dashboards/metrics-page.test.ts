import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { COVERAGE } from './coverage.ts'
import { MOVED, type MovedFile } from './metrics-moved.ts'
import { metricsPage, movedCells } from './metrics-page.ts'

const plain = (cells: readonly string[]) => cells.map(cell => cell.replaceAll('\u00a0', ' '))
const CHANGE = { of: 'gateway a', before: 0.02, during: 0.5, moved: true }

describe('metricsPage()', () => {
  test('is what docs/metrics.md says', () => {
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'metrics.md'), 'utf8')
    expect(page).toBe(metricsPage(MOVED))
  })

  test('has as many cells in each row as in the head of its table', () => {
    const tables = metricsPage(MOVED)
      .split('\n\n')
      .map(part => part.split('\n').filter(row => row.startsWith('|')))
      .filter(rows => rows.length > 0)
    expect(tables.length).toBe(2)
    for (const [head = '', ...rows] of tables) {
      const cells = (row: string) => row.split(/(?<!\\)\|/).length
      expect(rows.map(cells)).toEqual(rows.map(() => cells(head)))
    }
  })

  test('says beside an alert what became of it', () => {
    const moved: MovedFile = {
      lab: 'a lab',
      disturbances: [
        {
          name: 'work',
          day: '2026-01-02',
          faults: ['{ kind: cpu }'],
          alerts: { control: { CpuStarved: 'pending' } },
        },
      ],
      rows: [{ what: 'CPU', in: 'work', by: 'cpu', unit: 's', changes: {}, alerts: { CpuStarved: 'fires' } }],
    }
    const page = metricsPage(moved)
    expect(page).toContain('[CpuStarved](runbooks/CpuStarved.md) **fires**')
    expect(page).toContain('measured in a lab, by')
    expect(page).toContain('| work | 2026-01-02 | `{ kind: cpu }` | - | CpuStarved pending | - |')
  })
})

describe('movedCells()', () => {
  const row = { what: 'CPU', in: 'work', by: 'cpu', unit: 'suffix: cores', alerts: {} }

  test('tells both groups, each with the series that moved the most', () => {
    const control = { of: 'gateway b', before: 0.02, during: 0.03, moved: false }
    expect(plain(movedCells({ ...row, changes: { experiment: CHANGE, control } }))).toEqual([
      '`cpu` (work)',
      '0.02 cores -> 0.5 cores (gateway a)',
      '0.02 cores -> 0.03 cores (did not move)',
    ])
  })

  test('says why the control group moved as well', () => {
    const changes = { experiment: CHANGE, control: { ...CHANGE, of: '' } }
    expect(plain(movedCells({ ...row, changes, shared: 'one machine' }))[2]).toBe(
      '0.02 cores -> 0.5 cores: one machine',
    )
    expect(plain(movedCells({ ...row, changes }))[2]).toBe('0.02 cores -> 0.5 cores')
  })

  test('tells what belongs to no group once', () => {
    expect(plain(movedCells({ ...row, changes: { lab: { ...CHANGE, before: null } } }))).toEqual([
      '`cpu` (work)',
      'none -> 0.5 cores (gateway a)',
      'the lab as a whole',
    ])
  })

  test('admits what did not move, was not there, or was not looked at', () => {
    expect(movedCells({ ...row, changes: {} }).slice(1)).toEqual(['did not move', 'no series'])
    expect(movedCells(undefined)[0]).toBe('not looked at')
  })

  test('tells the value of what nothing moves, and why nothing does', () => {
    const unmoved = { what: 'x', unmoved: 'out of reach', unit: 's' }
    expect(plain(movedCells({ ...unmoved, values: { lowest: 0, highest: 0 } }))).toEqual([
      'nothing: out of reach',
      'stays 0 s',
      'the same',
    ])
    expect(plain(movedCells({ ...unmoved, values: { lowest: 0, highest: 3 } }))[1]).toBe(
      'between 0 s and 3 s',
    )
    expect(movedCells({ ...unmoved, values: null }).slice(1)).toEqual(['no series', 'no series'])
  })
})

describe('metrics-moved.json', () => {
  test('tells of rows that there are', () => {
    const names = COVERAGE.map(({ what }) => what)
    expect(MOVED.rows.map(({ what }) => what).filter(what => !names.includes(what))).toEqual([])
  })
})
