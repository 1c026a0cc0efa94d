import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { labFolders } from '../platform/cluster/local/folders.ts'
import { ALERT_CASES } from './cases/all-cases.ts'
import { alertFiles } from './files.ts'
import { type CommandEnd, promtools, runCommand } from './promtool.ts'
import { promtoolTest } from './promtool-tests.ts'
import { ruleFile } from './rule.ts'
import { ruleGroups } from './rule-groups.ts'

const groups = ruleGroups()
const alerts = groups.flatMap(group => group.alerts)
const tests = alerts.map(rule => ({
  name: rule.name,
  ...promtoolTest(
    rule,
    groups,
    ALERT_CASES.filter(each => each.alert === rule.name),
  ),
}))

let folder: string
let check: CommandEnd
let tested: CommandEnd
let amtool: CommandEnd

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rules-'))
  const tools = await promtools(labFolders().cache)
  const files = alertFiles()
  await mkdir(join(folder, 'tests'))
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  await Promise.all([
    write('alertmanager.yml', files.alertmanager),
    ...Object.entries(files.rules).map(([name, text]) => write(name, text)),
    ...tests.flatMap(({ name, rules, test: text }) => [
      write(`tests/${name}.yml`, ruleFile(rules)),
      write(`tests/${name}.test.yml`, text),
    ]),
  ])
  const inFolder = (tool: string, args: readonly string[]) => runCommand(tool, args, folder)
  check = await inFolder(tools.promtool, [
    'check',
    'rules',
    '--lint=all',
    '--lint-fatal',
    ...Object.keys(files.rules),
  ])
  amtool = await inFolder(tools.amtool, ['check-config', 'alertmanager.yml'])
  tested = await inFolder(tools.promtool, [
    'test',
    'rules',
    ...tests.map(({ name }) => `tests/${name}.test.yml`),
  ])
  // Ten seconds of work, which a machine that builds beside it makes minutes.
}, 600_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What promtool says of one alert; a failure of a test quotes its query, and with it the comment. */
const complaints = (alert: string) =>
  tested.output.split(/^(?=\s+expr:)/m).filter(part => part.includes(`# ${alert} `))

describe('alertFiles()', () => {
  test('makes rules that Prometheus takes', () => {
    expect(check).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') })
  })

  test('makes a configuration that Alertmanager takes', () => {
    expect(amtool).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') })
  })
})

describe('promtool test rules', () => {
  test.each(alerts.map(({ name }) => name))('%s fires, is quiet and resolves as it should', alert => {
    expect(complaints(alert).join('\n')).toBe('')
  })

  test('finds nothing else to complain about', () => {
    expect(tested).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') })
  })
})
