import { beforeEach, describe, expect, test } from '@jest/globals'
import { MachineryError } from '../platform/errors.ts'
import type { Experiment } from './experiment.ts'
import type { Executor } from './faults/executor.ts'
import { readJournal, readRun } from './journal.ts'
import { experiment, killPods, never, type RunFixture, runFixture } from './run-fixture.ts'

let fixture: RunFixture
beforeEach(async () => {
  fixture = await runFixture()
})

const latency = (change: object = {}) =>
  ({
    kind: 'latency',
    select: { group: 'experiment', services: ['gateway'], zone: 'b' },
    offsetSeconds: 0,
    durationSeconds: 6,
    delayMs: 100,
    jitterMs: 0,
    ...change,
  }) as Experiment['faults'][number]
const drain = {
  kind: 'drain',
  select: { group: 'experiment', zone: 'c' },
  offsetSeconds: 0,
  durationSeconds: 6,
} as Experiment['faults'][number]

describe('runExperiment() with agents', () => {
  test('prepares, begins, proves, ends, and writes down who ended it', async () => {
    const { agents, expectNothingLeft, run } = fixture
    const { folder, residue } = await run({}, never, { faults: [latency()] })
    expect(residue).toEqual([])
    const { input } = await readRun(folder)
    expect(input.faults[0]).toMatchObject({
      kind: 'latency',
      targets: ['gateway-b'],
      effect: { proven: true, detail: expect.stringContaining('delay as recorded') },
    })
    const journal = await readJournal(folder)
    const ended = journal.find(({ entry }) => entry === 'fault-ended')
    // Its time was over for the runner and for the agent alike.
    const [endedBy] = Object.values((ended as { endedBy: Record<string, string> }).endedBy)
    expect(['request', 'duration']).toContain(endedBy)
    expect(journal.find(({ entry }) => entry === 'planned')).toMatchObject({
      faults: [{ kind: 'latency', targets: ['gateway-b'] }],
      capabilities: { 'experiment-b': { nft: 'tried' } },
    })
    expect(agents.told.map(line => line.split(' ')[1])).toEqual(['prepare', 'begin', 'end'])
    expect(agents.closed).toBe(1)
    await expectNothingLeft()
  })

  test('a capability that is missing is an error before anything starts', async () => {
    const { agents, load, run } = fixture
    agents.missing = ['nfqueue', 'netem']
    await expect(run({}, never, { faults: [latency()] })).rejects.toThrow('Cannot do latency')
    expect(load.plan).toBeNull()
    expect(agents.told).toEqual([])
  })

  test.each(['lease', 'agent-restart'] as const)(
    'an agent that ends its fault by %s: our own failure, never a pass',
    async endedBy => {
      const { agents, expectNothingLeft, onlyRun, run, saying } = fixture
      const { progress, said } = saying('latency: delay')
      void said.then(() => agents.endAlone(agents.active()[0]?.id ?? '', endedBy))
      const running = run({ progress }, never, { faults: [latency()] })
      await expect(running).rejects.toBeInstanceOf(MachineryError)
      await expect(running).rejects.toThrow(`ended latency by itself (${endedBy})`)
      await expect(readRun(await onlyRun())).rejects.toThrow('failed')
      await expectNothingLeft()
    },
  )

  test('everything is halted in the attack: interrupted, nothing left, and the next run is refused', async () => {
    const { expectNothingLeft, halt, onlyRun, run, saying } = fixture
    const { progress, said } = saying('latency: delay')
    void said.then(() => halt.set('customer demo'))
    const result = await run({ progress }, never, { faults: [latency()] })
    expect(result).toMatchObject({ ended: 'interrupted', verdict: null, residue: [] })
    await expect(readRun(await onlyRun())).rejects.toThrow('customer demo')
    await expectNothingLeft()
    await expect(run()).rejects.toMatchObject({ code: 'HALTED' })
  })

  test('what is done in the API is promised before it is done, and no promise is left', async () => {
    const { api, dependencies, expectNothingLeft, leases, run } = fixture
    const promisedAt: unknown[] = []
    const executor: Executor = {
      async perform(work, signal) {
        if (work.actions[0]?.action === 'cordon') promisedAt.push([...leases.current.values()])
        return await dependencies.executor.perform(work, signal)
      },
    }
    await run({ executor }, never, { faults: [drain], blastRadius: { maxTargets: 3, keepHealthy: 1 } })
    expect(promisedAt).toEqual([
      [
        expect.objectContaining({ undo: [expect.objectContaining({ undo: 'delete-load' })] }),
        expect.objectContaining({ undo: [{ undo: 'uncordon', node: 'experiment-c' }] }),
      ],
    ])
    expect(api.done).toContain('cordon experiment-c')
    expect(api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-c' }])
    await expectNothingLeft()
  })

  test('an agent that undoes in the API what the runner still wants: our own failure', async () => {
    const { api, expectNothingLeft, leases, run, saying } = fixture
    const { progress, said } = saying('drain: cordon')
    void said.then(() => leases.lose(leases.taken.find(name => name.startsWith('fault-')) ?? ''))
    await expect(run({ progress }, never, { faults: [drain] })).rejects.toThrow('ran out')
    expect(api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-c' }])
    await expectNothingLeft()
  })

  test('a promise about the load that is kept by somebody else ends the run', async () => {
    const { expectNothingLeft, leases, run, saying } = fixture
    const { progress, said } = saying('baseline: ')
    void said.then(() => leases.lose(leases.taken[0] ?? ''))
    await expect(run({ progress })).rejects.toThrow('ran out')
    await expectNothingLeft()
  })

  test('faults go on side by side, and one after the other', async () => {
    const { expectNothingLeft, run } = fixture
    const after = latency({
      select: { group: 'experiment', services: ['gateway'], zone: 'c' },
      after: 'previous',
    })
    const { folder } = await run({}, never, {
      faults: [
        latency({ durationSeconds: 2 }),
        { ...after, durationSeconds: 2 } as Experiment['faults'][number],
        latency({
          select: { group: 'experiment', services: ['recommender'], zone: 'a' },
          durationSeconds: 2,
        }),
      ],
    })
    const journal = await readJournal(folder)
    const at = (entry: string, fault: number) =>
      journal.find(one => one.entry === entry && 'fault' in one && one.fault === fault)?.atMs ?? 0
    expect(at('fault-begun', 1)).toBeGreaterThanOrEqual(at('fault-ended', 0) - 50)
    expect(at('fault-begun', 2)).toBeLessThan(at('fault-ended', 0))
    await expectNothingLeft()
  })

  test('what follows a fault without length begins once that one has begun', async () => {
    const { run } = fixture
    const killed = { ...(killPods[0] as object), offsetSeconds: 0 } as Experiment['faults'][number]
    const { folder } = await run({}, never, {
      faults: [killed, latency({ after: 'previous', durationSeconds: 2 })],
      blastRadius: { maxTargets: 5, keepHealthy: 0 },
    })
    expect((await readRun(folder)).input.faults.map(({ effect }) => effect.proven)).toEqual([true, true])
  })

  test('a fault that would hit too much is refused right before it begins, and the other one is undone', async () => {
    const { agents, expectNothingLeft, run } = fixture
    const running = run({}, never, {
      faults: [
        latency(),
        latency({ select: { group: 'experiment', services: ['recommender'], zone: 'b' }, offsetSeconds: 2 }),
      ],
      blastRadius: { maxTargets: 1, keepHealthy: 1 },
    })
    await expect(running).rejects.toMatchObject({ code: 'BLAST_RADIUS_EXCEEDED' })
    expect(agents.told.filter(line => line.includes('begin'))).toHaveLength(1)
    await expectNothingLeft()
  })

  test('an agent that cannot be reached to end its fault: tried again until it can', async () => {
    const { agents, dependencies, expectNothingLeft, run, saying } = fixture
    const { progress, said } = saying('latency: proven')
    void said.then(async () => {
      agents.silent.add('experiment-b')
      await dependencies.clock.sleep(5_000, never)
      agents.silent.delete('experiment-b')
    })
    await run({ progress }, never, { faults: [latency()] }).catch(() => undefined)
    await expectNothingLeft()
  })

  test('the abort rule ends the attack early: undone, judged, and the verdict says so', async () => {
    const { expectNothingLeft, load, run, saying } = fixture
    const phases = { ...experiment.phases, holdSeconds: 600 }
    const { progress, said } = saying('latency: delay')
    void said.then(() => load.failExperiment())
    const { folder, verdict } = await run({ progress }, never, {
      faults: [latency({ durationSeconds: 600 })],
      phases,
      load: { ...experiment.load, durationSeconds: 40 },
      abort: { alpha: 0.01, failedShare: 0.5, windowSeconds: 2 },
    })
    const { input } = await readRun(folder)
    expect(verdict?.aborted).toBe(true)
    expect(input.aborted).toBe(true)
    expect(input.phases.attack.endMs - input.phases.attack.startMs).toBeLessThan(30_000)
    expect(input.phases.recovery.startMs).toBe(input.phases.attack.endMs)
    expect((await readJournal(folder)).find(({ entry }) => entry === 'aborted')).toMatchObject({
      reason: expect.stringMatching(/^evidence e = \d+.* of 100\. \d+ of \d+ failed requests .* Within 2 s/),
    })
    await expectNothingLeft()
  })
})
