import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { labFolders } from '../platform/cluster/local/folders.ts'
import { alertmanagerConfig, TOKEN_FILE } from './alertmanager.ts'
import { promtools, runCommand } from './promtool.ts'
import { staticLabels } from './rule.ts'
import { ruleGroups } from './rule-groups.ts'

type Labels = Readonly<Record<string, string>>

type Config = {
  readonly route: { readonly group_by: readonly string[] }
  readonly inhibit_rules: readonly {
    readonly source_matchers: readonly string[]
    readonly target_matchers: readonly string[]
    readonly equal: readonly string[]
  }[]
  readonly receivers: readonly {
    readonly name: string
    readonly webhook_configs: readonly { readonly url: string; readonly http_config: unknown }[]
  }[]
}

const config: Config = parse(alertmanagerConfig())

/** Alertmanager's own rule: a label that is missing on both sides is equal. */
function matches(matchers: readonly string[], labels: Labels): boolean {
  return matchers.every(text => {
    const [, name = '', operator, value = ''] = text.match(/^(\w+)(=~|=)"(.*)"$/) ?? []
    const has = labels[name] ?? ''
    return operator === '=~' ? new RegExp(`^(?:${value})$`).test(has) : has === value
  })
}

function inhibited(target: Labels, source: Labels): boolean {
  return config.inhibit_rules.some(
    ({ source_matchers, target_matchers, equal }) =>
      matches(source_matchers, source) &&
      matches(target_matchers, target) &&
      equal.every(name => (source[name] ?? '') === (target[name] ?? '')),
  )
}

const A = { group: 'experiment', zone: 'a', node: 'experiment-a' }
const ZONE_DOWN = { alertname: 'ZoneDown', tier: 'zone', group: 'experiment', zone: 'a' }
const NODE_DOWN = { alertname: 'NodeDown', tier: 'node', ...A }

describe('inhibition', () => {
  test.each<{ title: string; target: Labels; source: Labels; expected: boolean }>([
    { title: 'a lost zone explains its node', target: NODE_DOWN, source: ZONE_DOWN, expected: true },
    {
      title: 'a lost zone explains a pod in it',
      target: { tier: 'cause', ...A },
      source: ZONE_DOWN,
      expected: true,
    },
    {
      title: 'a lost node explains a pod on it',
      target: { tier: 'cause', ...A },
      source: NODE_DOWN,
      expected: true,
    },
    {
      title: 'a lost zone explains nothing in the other group',
      target: { tier: 'cause', ...A, group: 'control' },
      source: ZONE_DOWN,
      expected: false,
    },
    {
      title: 'a lost zone explains nothing in another zone',
      target: { tier: 'cause', ...A, zone: 'b' },
      source: ZONE_DOWN,
      expected: false,
    },
    {
      title: 'a lost zone does not explain a whole database without a primary',
      target: { tier: 'cause', group: 'experiment' },
      source: ZONE_DOWN,
      expected: false,
    },
    {
      title: 'a lost node does not explain a lost zone',
      target: ZONE_DOWN,
      source: NODE_DOWN,
      expected: false,
    },
    {
      title: 'nothing silences what users feel',
      target: { tier: 'burn', ...A },
      source: ZONE_DOWN,
      expected: false,
    },
    {
      title: 'nothing silences the observation',
      target: { tier: 'lab', ...A },
      source: NODE_DOWN,
      expected: false,
    },
  ])('$title', ({ target, source, expected }) => {
    expect(inhibited(target, source)).toBe(expected)
  })

  test('no alert of a lower tier ever silences another', () => {
    const sources = config.inhibit_rules.flatMap(({ source_matchers }) => source_matchers)

    expect(sources).toEqual(['tier="zone"', 'tier="node"'])
  })

  test('only a place that is lost explains what happens there', () => {
    const pod = { tier: 'cause', ...A }
    const explaining = ruleGroups()
      .flatMap(({ alerts }) => alerts)
      .filter(rule => inhibited(pod, { ...A, ...staticLabels(rule) }))

    // A node that was started again or is cordoned is well: what fails there fails for another reason.
    expect(explaining.map(({ name }) => name)).toEqual(['ZoneDown', 'NodeDown'])
    for (const { tier, carries } of explaining) expect(carries).toContain(tier)
  })
})

describe('receivers', () => {
  test('are oncall alone, with its token from a file', () => {
    expect(config.receivers).toEqual([
      {
        name: 'oncall',
        webhook_configs: [
          {
            url: 'http://oncall.observability.svc.cluster.local:8070/api/v2/notifications',
            send_resolved: true,
            http_config: { authorization: { type: 'Bearer', credentials_file: TOKEN_FILE } },
          },
        ],
      },
    ])
  })
})

describe('routes', () => {
  let folder: string
  let amtool: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'routes-'))
    amtool = (await promtools(labFolders().cache)).amtool
    await writeFile(join(folder, 'alertmanager.yml'), alertmanagerConfig())
  }, 120_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each<{ title: string; labels: readonly string[] }>([
    { title: 'a page of the experiment', labels: ['group=experiment', 'severity=page'] },
    { title: 'a ticket of the control group', labels: ['group=control', 'severity=ticket'] },
    { title: 'the Watchdog', labels: ['alertname=Watchdog', 'group=system', 'severity=info'] },
    { title: 'an alert of somebody else', labels: ['alertname=Foreign'] },
  ])('lead $title to oncall', async ({ labels }) => {
    const end = await runCommand(
      amtool,
      ['config', 'routes', 'test', '--config.file=alertmanager.yml', '--verify.receivers=oncall', ...labels],
      folder,
    )

    expect(end).toEqual({ code: 0, output: expect.stringContaining('oncall') })
  })

  test('keep the groups apart', () => {
    expect(config.route.group_by).toContain('group')
  })
})
