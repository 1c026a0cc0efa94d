import { describe, expect, test } from '@jest/globals'
import { alertNames, COVERAGE, queriesFor } from './coverage.ts'

describe('COVERAGE', () => {
  test.each(COVERAGE)('$what: the panel asks for $metric', covered => {
    expect(queriesFor(covered)).not.toEqual([])
  })

  test('names alerts that there are', () => {
    const names = alertNames()
    expect(COVERAGE.flatMap(({ alerts }) => alerts).filter(name => !names.has(name))).toEqual([])
  })

  test('leaves no alert out', () => {
    const covered = new Set(COVERAGE.flatMap(({ alerts }) => alerts))
    expect([...alertNames()].filter(name => !covered.has(name))).toEqual([])
  })

  test('finds no query in a panel that asks for something else', () => {
    const panel = 'Infrastructure / CPU of services'
    expect(queriesFor({ what: 'x', metric: 'up', panel, alerts: [] })).toEqual([])
  })
})
