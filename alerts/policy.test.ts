import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { labFolders } from '../platform/cluster/local/folders.ts'
import { indicatorQuery } from '../services/oncall/weekly/indicators.ts'
import { policySchema } from '../services/oncall/weekly/policy.ts'
import { policyOf } from './policy.ts'
import { promtools, runCommand } from './promtool.ts'

const policy = policyOf()

describe('policyOf()', () => {
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

describe('indicatorQuery()', () => {
  const responses = 'haproxy_frontend_http_responses_total'
  // Every five seconds: 40 good and 10 bad answers to the experiment, 50 good ones to the control.
  const series = [
    { series: `${responses}{proxy="public",code="2xx",group="experiment"}`, values: '0+40x20' },
    { series: `${responses}{proxy="public",code="5xx",group="experiment"}`, values: '0+10x20' },
    { series: `${responses}{proxy="public",code="2xx",group="control"}`, values: '0+50x20' },
  ]
  const answers = [
    { labels: '{group="control", indicator="events"}', value: 10 },
    { labels: '{group="experiment", indicator="events"}', value: 10 },
    { labels: '{group="experiment", indicator="bad"}', value: 2 },
  ]

  test('gets both rates of both groups from Prometheus, for every promise', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'indicators-'))
    try {
      const asked = policy.slos.map(slo => ({
        expr: indicatorQuery(slo),
        eval_time: '30s',
        exp_samples: slo.id === 'edge-availability' ? answers : [],
      }))
      const tests = [{ interval: '5s', input_series: series, promql_expr_test: asked }]
      await writeFile(join(folder, 'queries.yml'), stringify({ evaluation_interval: '5s', tests }))
      const { promtool } = await promtools(labFolders().cache)

      const tested = await runCommand(promtool, ['test', 'rules', 'queries.yml'], folder)

      expect(tested).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 600_000)
})
