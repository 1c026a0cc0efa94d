import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { MachineryError, UserError } from '../platform/errors.ts'
import type { Executor } from './faults/executor.ts'
import { readJournal, readRun } from './journal.ts'
import type { RunDependencies } from './run-dependencies.ts'
import { experiment, never, type RunFixture, runFixture } from './run-fixture.ts'
import { writeUndoFile } from './undo-file.ts'

let fixture: RunFixture
beforeEach(async () => {
  fixture = await runFixture()
})

describe('runExperiment() on every other way out', () => {
  test.each(['warm-up', 'baseline', 'zone-outage: power off', 'recovery'])(
    'stopped at "%s": everything is undone',
    async words => {
      const { expectNothingLeft, onlyRun, run, saying } = fixture
      const stop = new AbortController()
      const { progress, said } = saying(words)
      const running = run({ progress }, stop.signal)
      await said
      stop.abort(new Error('Ctrl-C'))
      expect(await running).toMatchObject({ ended: 'interrupted', verdict: null, residue: [] })
      await expectNothingLeft()
      const entries = await readJournal(await onlyRun())
      expect(entries.at(-1)).toMatchObject({ entry: 'interrupted', reason: 'Ctrl-C' })
      await expect(readRun(await onlyRun())).rejects.toThrow('interrupted (Ctrl-C)')
    },
  )

  test('the generator dies in the attack: undone, and told as our own failure', async () => {
    const { actions, expectNothingLeft, load, run, saying, told } = fixture
    const { progress, said } = saying('zone-outage: power off')
    void said.then(() => load.die(137))
    const phases = { ...experiment.phases, holdSeconds: 3000 }
    const running = run({ progress }, never, { phases, load: { ...experiment.load, durationSeconds: 3600 } })
    await expect(running).rejects.toBeInstanceOf(MachineryError)
    await expect(running).rejects.toThrow('exit code 137: out of memory')
    // At once, and not when the attack would have been over.
    expect(told.join()).not.toContain('recovery')
    expect(actions()).toEqual(['power-off', 'power-on'])
    await expectNothingLeft()
  })

  test('the fault fails to begin halfway: undone', async () => {
    const { dependencies, expectNothingLeft, run } = fixture
    const executor: Executor = {
      async perform(work, signal) {
        const performed = await dependencies.executor.perform(work, signal)
        if (work.actions[0]?.action === 'power-off') throw new MachineryError('the engine broke', '')
        return performed
      },
    }
    await expect(run({ executor })).rejects.toThrow('the engine broke')
    await expectNothingLeft()
  })

  test('the lab cannot be read in the attack: undone', async () => {
    const { expectNothingLeft, lab, run } = fixture
    const view = lab.view.bind(lab)
    lab.view = async () => {
      if (lab.dark.size > 0) throw new Error('etcd is gone')
      return await view()
    }
    await expect(run()).rejects.toThrow('etcd is gone')
    await expectNothingLeft()
  })

  test('the database cannot be asked at the end: told as our own failure, nothing left', async () => {
    const { dependencies, expectNothingLeft, run } = fixture
    const healthy = dependencies.database
    const database: RunDependencies['database'] = {
      column: (group, sql) =>
        sql.includes('FROM plays')
          ? Promise.reject(new MachineryError('no answer', ''))
          : healthy.column(group, sql),
    }
    await expect(run({ database })).rejects.toThrow('no answer')
    await expectNothingLeft()
  })

  test('the journal can no longer be written in the attack: undone all the same', async () => {
    const { expectNothingLeft, onlyRun, run, saying } = fixture
    const { progress, said } = saying('zone-outage: power off')
    const removed = said.then(async () => rm(await onlyRun(), { recursive: true }))
    const failure = await run({ progress }).then(
      () => null,
      error => error,
    )
    await removed
    expect(failure).toBeInstanceOf(MachineryError)
    expect(failure.message).toMatch(/is undone, but that cannot be written down: .*ENOENT/)
    await expectNothingLeft()
  })

  test('undoing fails once: it is tried again', async () => {
    const { expectNothingLeft, lab, run } = fixture
    lab.failingPowerOns = 1
    expect(await run()).toMatchObject({ ended: 'judged', residue: [] })
    await expectNothingLeft()
  })

  test('undoing fails for good: told as residue, and the recipe stays for the next command', async () => {
    const { lab, pendingUndo, run, told } = fixture
    lab.failingPowerOns = Number.POSITIVE_INFINITY
    const failure = await run().then(
      () => null,
      error => error,
    )
    expect(failure).toBeInstanceOf(MachineryError)
    expect(failure.message).toContain('is not undone')
    expect(failure.message).toContain('node experiment-b is powered off')
    expect(await pendingUndo()).toHaveLength(1)

    lab.failingPowerOns = 0
    await run()
    expect(lab.dark.size).toBe(0)
    expect(told.join('\n')).toMatch(/healing: run \S+ did not undo zone-outage of experiment-b/)
  })

  test('a target whose label changes after selection is refused, and nothing of the group is touched', async () => {
    const { actions, lab, run, saying } = fixture
    const { progress, said } = saying('attack: 6 s')
    void said.then(() => lab.relabel('experiment-b', 'control'))
    const view = lab.view.bind(lab)
    const frozen = await view()
    // The selection still sees the old label, as it would a moment before the change.
    lab.view = async () => ({
      ...(await view()),
      nodes: (await view()).nodes.map(node => ({
        ...node,
        group: frozen.nodes.find(({ name }) => name === node.name)?.group ?? null,
      })),
    })
    const running = run({ progress })
    await expect(running).rejects.toBeInstanceOf(UserError)
    await expect(running).rejects.toThrow("'node experiment-b': it is in the control group")
    expect(actions()).not.toContain('power-off')
  })

  test('a lab that is not whole is not attacked', async () => {
    const { lab, load, lock, run } = fixture
    await lab.cluster.powerOff('experiment', 'c')
    lab.cluster.poweredOff = async () => []
    await expect(run()).rejects.toThrow('the lab is not ready')
    expect(load.plan).toBeNull()
    expect(lock.current).toBeNull()
  })

  test('another run on the cluster: refused before anything is made', async () => {
    const { dependencies, lock, run } = fixture
    const other = {
      ...lock,
      holder: async () => 'x',
      acquire: () => Promise.reject(new UserError('RUN_IN_PROGRESS', 'x runs', '')),
    }
    await expect(run({ lock: other })).rejects.toThrow('x runs')
    expect(await readdir(dependencies.runsFolder)).toEqual([])
  })

  test('another run has taken the lock over: undone, and told as our own failure', async () => {
    const { actions, expectNothingLeft, load, lock, run, saying } = fixture
    const { progress, said } = saying('zone-outage: power off')
    void said.then(() => lock.lose())
    const phases = { ...experiment.phases, holdSeconds: 3000 }
    const running = run({ progress }, never, { phases, load: { ...experiment.load, durationSeconds: 3600 } })
    await expect(running).rejects.toBeInstanceOf(MachineryError)
    await expect(running).rejects.toThrow('another run has taken the lock over')
    expect(actions()).toEqual(['power-off', 'power-on'])
    // The load of whoever holds the lock by now stays.
    expect(load.removed.at(-1)).toMatch(/-zone-outage$/)
    await expectNothingLeft()
  })

  test('what a run killed with -9 left is undone by the next one', async () => {
    const { actions, run, told } = fixture
    await writeKilledRun(fixture)
    const { residue } = await run()
    expect(residue).toEqual([])
    expect(actions()).toEqual(['power-off', 'power-on', 'power-off', 'power-on'])
    expect(told).toContain(
      'healing: run 20261120T000000Z-zone-outage did not undo zone-outage of experiment-c',
    )
  })
})

async function writeKilledRun({ dependencies, lab }: RunFixture): Promise<void> {
  const folder = join(dependencies.runsFolder, '20261120T000000Z-zone-outage')
  await mkdir(folder)
  await writeUndoFile(folder, [
    {
      fault: 0,
      kind: 'zone-outage',
      targets: ['experiment-c'],
      actions: [{ action: 'power-on', zone: 'c', nodes: ['experiment-c'] }],
    },
  ])
  await lab.cluster.powerOff('experiment', 'c')
}
