import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { UserError } from '../platform/errors.ts'
import { doubts, loadExperiment, parseExperiment } from './experiment.ts'
import { EXPERIMENT_SCHEMA_FILE } from './experiment-schema.ts'

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
    // Where an editor finds what may be written.
    const [first] = readFileSync(`${FOLDER}/${name}`, 'utf8').split('\n')
    expect(first).toBe(`# yaml-language-server: $schema=../../${EXPERIMENT_SCHEMA_FILE}`)
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
      "level: 'planet' is not allowed; allowed: container, network, state, pod",
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
      "faults[0].kind: 'flood' is not allowed; allowed: cpu, memory, io",
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

  const outage = { kind: 'zone-outage', select: { group: 'experiment', zone: 'b' }, durationSeconds: 10 }
  const latency = { kind: 'latency', durationSeconds: 10, delayMs: 100 }
  const gateways = { group: 'experiment', services: ['gateway'] }
  const onePod = { kind: 'kill-pod', select: { ...gateways, count: 1 } }

  test.each<[string, readonly object[], string]>([
    [
      'two faults that cannot be on together',
      [outage, { ...latency, select: gateways, offsetSeconds: 5 }],
      'faults[1].offsetSeconds: latency from 5 to 15 s may hit what zone-outage (faults[0]) hits from 0 to 10 s, and the two cannot be combined',
    ],
    [
      'a serial fault that ends too late',
      [outage, { ...outage, after: 'previous', offsetSeconds: 20 }],
      'faults[1].offsetSeconds: the fault ends 40 s after the attack began',
    ],
    [
      'a first fault that comes after another',
      [{ ...onePod, after: 'previous' }],
      'faults[0].after: no fault stands before it',
    ],
    [
      'two ways to say how many',
      [{ ...onePod, select: { ...gateways, count: 1, onePerZone: true } }],
      'faults[0].select.onePerZone: true is not allowed; allowed: one of count, percent and onePerZone',
    ],
    [
      'a role where there is none',
      [{ ...onePod, select: { ...gateways, role: 'primary' } }],
      "faults[0].select.role: 'primary' is not allowed; allowed: only with services: [database]",
    ],
    [
      'a jitter beyond the delay',
      [{ ...latency, select: gateways, jitterMs: 100 }],
      'faults[0].jitterMs: 100 is not allowed; allowed: less than delayMs',
    ],
    [
      'a delay without its unit',
      [{ ...latency, select: gateways, delay: 100 }],
      "faults[0].delay: unknown key; did you mean 'delayMs: 100'",
    ],
    [
      'a key that another fault has',
      [{ ...latency, select: gateways, workers: 2 }],
      'faults[0].workers: unknown key; allowed: kind, select, offsetSeconds, after, durationSeconds, delayMs',
    ],
    [
      'a surge that waits for another fault',
      [
        onePod,
        { kind: 'surge', select: { group: 'experiment' }, factor: 2, durationSeconds: 5, after: 'previous' },
      ],
      'faults[1].after: unknown key',
    ],
    [
      'slow answers of nobody knows how long',
      [{ kind: 'dns', select: gateways, durationSeconds: 5, mode: 'slow' }],
      'faults[0].delayMs: nothing is not allowed; allowed: a number for mode slow',
    ],
    [
      'peers that are nobody',
      [{ ...latency, select: gateways, peer: {} }],
      'faults[0].peer: {} is not allowed; allowed: services, zone or both',
    ],
  ])('refuses %s', (_title, faults, expected) => {
    expect(problemsOf(changed({ faults }))).toContain(expected)
  })

  test('fills in what limits the harm when the file says nothing of it', () => {
    const { abort, blastRadius } = parseExperiment('file.yaml', text)
    expect(abort).toEqual({ alpha: 0.01, failedShare: 0.05, windowSeconds: 5 })
    expect(blastRadius).toEqual({ maxTargets: 3, keepHealthy: 1 })
  })

  test('keeps what the file says of it, and fills in the rest', () => {
    const limits = { abort: { failedShare: 0.3 }, blastRadius: { keepHealthy: { gateway: 2 } } }
    const { abort, blastRadius } = parseExperiment('file.yaml', changed(limits))
    expect(abort).toEqual({ alpha: 0.01, failedShare: 0.3, windowSeconds: 5 })
    expect(blastRadius).toEqual({ maxTargets: 3, keepHealthy: { gateway: 2 } })
  })

  test.each([
    [
      'half a pod',
      { keepHealthy: 0.5 },
      'allowed: a whole number of pods, or one for each of gateway, recommender',
    ],
    [
      'a service that is none',
      { keepHealthy: { edge: 1 } },
      'keepHealthy.edge: unknown key; allowed: gateway, recommender, database',
    ],
  ])('refuses to keep %s healthy', (_title, blastRadius, allowed) => {
    expect(problemsOf(changed({ blastRadius }))).toContain(allowed)
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
