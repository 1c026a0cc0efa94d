import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { UserError } from '../platform/errors.ts'
import { doubts, loadExperiment, parseExperiment } from './experiment.ts'

const FOLDER = 'chaos/experiments'
const shipped = readdirSync(FOLDER).filter(name => name.endsWith('.yaml'))
const text = readFileSync(`${FOLDER}/zone-outage.yaml`, 'utf8')

/** The shipped zone outage with some values replaced, by dotted path. */
function changed(values: Readonly<Record<string, unknown>>): string {
  const document = parse(text)
  for (const [path, value] of Object.entries(values)) {
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    const parent = steps.reduce((node, step) => node[step], document)
    if (value === undefined) delete parent[last]
    else parent[last] = value
  }
  return stringify(document)
}

function problemsOf(source: string): string {
  try {
    parseExperiment('file.yaml', source)
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
  return 'no problem'
}

describe('parseExperiment()', () => {
  test.each(shipped)('accepts the shipped %s', name => {
    const experiment = parseExperiment(name, readFileSync(`${FOLDER}/${name}`, 'utf8'))
    expect(`${experiment.name}.yaml`).toBe(name)
    expect(doubts(experiment)).toEqual([])
  })

  test.each([
    ['an unknown key', { colour: 'red' }, 'colour: unknown key'],
    ['an unknown key names the allowed ones', { 'load.speed': 1 }, 'allowed: profile, requestsPerSecond'],
    [
      'a unit in the value',
      { 'phases.holdSeconds': '30s' },
      "'30s' is not allowed; expected: number of seconds: write 30",
    ],
    ['a missing value', { 'load.writeShare': undefined }, 'load.writeShare: missing; expected: number'],
    [
      'a level that is none',
      { level: 'planet' },
      "level: 'planet' is not allowed; allowed: container, pod, zone",
    ],
    [
      'a margin of success above 1',
      { 'steadyState.signals.0.margin': 2 },
      'signals[0].margin: 2 is not allowed; allowed: less than 1',
    ],
    [
      'a margin of latency below 1',
      { 'steadyState.signals.1.margin': 0.9 },
      'signals[1].margin: 0.9 is not allowed; allowed: more than 1',
    ],
    [
      'the control group',
      { 'faults.0.select.group': 'control' },
      "faults[0].select.group: 'control' is not allowed; allowed: experiment: the control group is never attacked",
    ],
    [
      'a zone that is none',
      { 'faults.0.select.zone': 'd' },
      "faults[0].select.zone: 'd' is not allowed; allowed: a, b, c, primary",
    ],
    [
      'a fault that is none',
      { 'faults.0.kind': 'flood' },
      "faults[0].kind: 'flood' is not allowed; allowed: zone-outage, kill-pod",
    ],
    [
      'a negative rate',
      { 'load.requestsPerSecond': -1 },
      'load.requestsPerSecond: -1 is not allowed; allowed: at least 1',
    ],
    [
      'an experiment longer than its load',
      { 'load.durationSeconds': 50 },
      'load.durationSeconds: 50 is shorter than the experiment: warm-up + baseline + hold + recovery = 116 s',
    ],
    [
      'a fault longer than the attack',
      { 'faults.0.durationSeconds': 41 },
      'the fault ends 41 s after the attack began, but holdSeconds is 36',
    ],
    [
      'a transition that eats the baseline',
      { 'phases.transitionSeconds': 42 },
      'leaves nothing of the baseline',
    ],
    [
      'no primary signal',
      { 'steadyState.signals.0.primary': false, 'steadyState.signals.1.primary': false },
      '0 signals are primary; allowed: 1 to 3',
    ],
    ['a signal twice', { 'steadyState.signals.2.name': 'latency_p50' }, "'latency_p50' is there twice"],
    ['a seed that is no integer', { seed: 1.5 }, 'seed: 1.5 is not allowed'],
  ])('refuses %s', (_title, values, expected) => {
    expect(problemsOf(changed(values))).toContain(expected)
  })

  test('takes `duration: 5m` for what was meant and says so', () => {
    const source = text.replace('durationSeconds: 36', 'duration: 5m')
    expect(problemsOf(source)).toContain(
      "faults[0].duration: unknown key; did you mean 'durationSeconds: 300'?",
    )
  })

  test('tells all problems at once, in the order of the file, each with its line', () => {
    const source = text
      .replace('level: zone', 'level: planet')
      .replace('writeShare: 0.1', 'writeShare: 7')
      .replace('group: experiment', 'group: control')
      .replace('durationSeconds: 118', 'durationSeconds: 20')
    const lines = source.split('\n')
    const lineOf = (part: string) => lines.findIndex(line => line.includes(part)) + 1
    const message = problemsOf(source)
    expect(message).toContain('4 problems')
    expect(message.match(/file\.yaml:(\d+)/g)).toEqual(
      ['level: planet', 'writeShare: 7', 'durationSeconds: 20', 'group: control'].map(
        part => `file.yaml:${lineOf(part)}`,
      ),
    )
  })

  test.each([
    ['an empty file', '', 'file.yaml is empty'],
    ['a list', '- a', 'expected: object'],
    ['broken YAML', 'name: [', 'not YAML'],
    ['a key that is there twice', text.replace('level: zone', 'level: zone\nlevel: pod'), 'not YAML'],
  ])('refuses %s', (_title, source, expected) => {
    expect(problemsOf(source)).toContain(expected)
  })
})

describe('loadExperiment()', () => {
  test('says that there is no such file', async () => {
    const missing = loadExperiment('nowhere/none.yaml')
    await expect(missing).rejects.toBeInstanceOf(UserError)
    await expect(missing).rejects.toThrow('nowhere/none.yaml: there is no such file')
  })

  test('keeps the text as it was written', async () => {
    expect((await loadExperiment(`${FOLDER}/zone-outage.yaml`)).text).toBe(text)
  })
})

describe('doubts()', () => {
  test('tells that the phases are too short for a margin, before anybody waits for them', () => {
    const short = parseExperiment('file.yaml', changed({ 'phases.holdSeconds': 20, faults: [] }))
    expect(doubts(short)).toEqual([
      '1200 requests a group in the shorter of baseline and attack cannot place success_ratio within its margin of 0.002: at least 1911 are needed',
    ])
  })
})
