import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { alertNames, COVERAGE, metricsPage, queriesFor } from './coverage.ts'

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

describe('metricsPage()', () => {
  test('is what docs/metrics.md says', () => {
    expect(readFileSync(join(import.meta.dirname, '..', 'docs', 'metrics.md'), 'utf8')).toBe(metricsPage())
  })
})
