import { describe, expect, test } from '@jest/globals'
import { policySchema } from '../services/oncall/weekly/policy.ts'
import type { MovedRow } from './metrics-moved.ts'
import { panelsByFault, policyFile } from './policy-file.ts'

const row = (what: string, by: string, moved: boolean): MovedRow => ({
  ...{ what, by, in: 'work', unit: 's', alerts: {} },
  changes: { experiment: { of: 'gateway a', before: 1, during: 2, moved } },
})

describe('panelsByFault()', () => {
  test('names the panels that moved, once, and nothing that stood still or that no fault moved', () => {
    const rows = [
      row('CPU', 'cpu', true),
      row('Processes', 'cpu', true),
      row('Processes', 'cpu', true),
      row('Memory', 'memory', false),
      row('Pipeline: batch late', 'ingest', true),
      { what: 'IO', unmoved: 'it is a disk of its own', unit: 's', values: null },
      row('gone from the page', 'cpu', true),
    ]
    expect(panelsByFault({ rows })).toEqual({
      cpu: ['Infrastructure / CPU of services', 'Infrastructure / Processes'],
    })
  })

  test('knows of the real trial which panels a zone outage moves', () => {
    expect(panelsByFault()['zone-outage']).toContain('Infrastructure / Nodes ready')
  })
})

describe('policyFile()', () => {
  test('is what oncall takes, and a cluster can hold', () => {
    const text = policyFile()
    expect(policySchema.parse(JSON.parse(text)).panels).toEqual(panelsByFault())
    expect(text.length).toBeLessThan(200_000)
  })
})
