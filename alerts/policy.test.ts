import { describe, expect, test } from '@jest/globals'
import { policySchema } from '../services/oncall/weekly/policy.ts'
import { policyOf } from './policy.ts'

describe('policyOf()', () => {
  const policy = policyOf()
  const rule = (name: string) => policy.rules.find(each => each.name === name)

  test('is what oncall takes', () => {
    expect(policySchema.parse({ ...policy, panels: {} })).toEqual({ ...policy, panels: {} })
  })

  test('asks for every promise over the window of oncall', () => {
    expect(policy.slos.map(({ id }) => id)).toContain('gateway-availability')
    const windows = policy.slos.flatMap(({ events, bad }) =>
      [...`${events} ${bad}`.matchAll(/\[(\w+)\]/g)].map(match => match[1]),
    )
    expect(new Set(windows)).toEqual(new Set(['15s']))
    expect(policy.slos.find(({ id }) => id === 'edge-availability')).toEqual({
      id: 'edge-availability',
      service: 'edge',
      objective: 0.998,
      events: 'sum by (group) (rate(haproxy_frontend_http_responses_total{proxy="public"}[15s]))',
      bad: 'sum by (group) (rate(haproxy_frontend_http_responses_total{proxy="public",code="5xx"}[15s]))',
    })
  })

  test('says how long a condition holds before it fires, and what opens an incident', () => {
    expect(rule('MostlyFailing')).toEqual({ name: 'MostlyFailing', forSeconds: 60, tier: 'burn', sev: 1 })
    // It waits for events, and for no time.
    expect(rule('RunBudgetBurnFast')).toEqual({
      name: 'RunBudgetBurnFast',
      forSeconds: 0,
      tier: 'burn',
      sev: 2,
    })
    expect(rule('DatabaseNoPrimary')).toEqual({ name: 'DatabaseNoPrimary', forSeconds: 15, tier: 'cause' })
  })
})
