import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { leftovers, residue, snapshotOf, undoLeftovers } from './audit.ts'
import { type Recorded, recordedDependencies } from './lab/recorded-dependencies.ts'
import { quickClock, wholeLab } from './lab/recording.ts'
import type { LabView, NodeView, PodView } from './lab/view.ts'
import { UNDO_FILE, type UndoRecipe, writeUndoFile } from './undo-file.ts'

const never = new AbortController().signal
const clock = quickClock(100)
const before = snapshotOf(wholeLab(), [])

const withNode = (change: Partial<NodeView>): LabView => {
  const lab = wholeLab()
  return {
    ...lab,
    nodes: lab.nodes.map(node => (node.name === 'experiment-b' ? { ...node, ...change } : node)),
  }
}
const withPod = (change: Partial<PodView>): LabView => {
  const lab = wholeLab()
  return {
    ...lab,
    pods: lab.pods.map(pod => (pod.uid === 'experiment-database-a' ? { ...pod, ...change } : pod)),
  }
}

describe('residue()', () => {
  test('is empty for a lab that is as it was', () => {
    expect(residue(before, snapshotOf(wholeLab(), []))).toEqual([])
  })

  test('does not mind that pods have other names and the primary another zone', () => {
    const lab = wholeLab()
    const pods = lab.pods.map(pod => {
      const role =
        pod.role === null ? null : pod.name === 'database-c' ? ('primary' as const) : ('replica' as const)
      return { ...pod, role, uid: `${pod.uid}-new` }
    })
    expect(residue(before, snapshotOf({ ...lab, pods }, []))).toEqual([])
  })

  test.each<[string, LabView, string[], string]>([
    ['a node without power', wholeLab(), ['experiment-b'], 'node experiment-b is powered off'],
    ['a NotReady node', withNode({ ready: false }), [], 'node experiment-b is NotReady'],
    ['a cordon', withNode({ cordoned: true }), [], 'node experiment-b is cordoned'],
    [
      'a taint',
      withNode({ taints: ['group=experiment:NoSchedule', 'x=y:NoExecute'] }),
      [],
      'node experiment-b has the taint x=y:NoExecute',
    ],
    [
      'a node that is gone',
      { ...wholeLab(), nodes: wholeLab().nodes.slice(1) },
      [],
      'node control-a is gone',
    ],
    [
      'a pod that is not ready',
      withPod({ ready: false }),
      [],
      'experiment/database has 2 ready pods, before the run it had 3',
    ],
    [
      'a pod that does not end',
      withPod({ terminating: true }),
      [],
      'experiment/database has 2 ready pods, before the run it had 3',
    ],
    ['a database without a primary', withPod({ role: 'replica' }), [], 'experiment/database has no primary'],
    [
      'a lost disruption budget',
      { ...wholeLab(), disruptionBudgets: ['control/gateway'] },
      [],
      'PodDisruptionBudget experiment/gateway is gone',
    ],
    ['a load job', { ...wholeLab(), loadJobs: ['load-x'] }, [], 'load job load-x is still there'],
  ])('tells of %s', (_title, view, poweredOff, expected) => {
    expect(residue(before, snapshotOf(view, poweredOff))).toContain(expected)
  })

  test('does not miss a batch that ended by itself', () => {
    const lab = wholeLab()
    const batch = { ...(lab.pods[0] as PodView), service: 'ingest', uid: 'batch' }
    expect(residue(snapshotOf({ ...lab, pods: [...lab.pods, batch] }, []), before)).toEqual([])
  })

  test('does not blame the run for what was there before it', () => {
    const limping = snapshotOf(withNode({ cordoned: true }), ['control-c'])
    expect(residue(limping, limping)).toEqual([])
  })
})

describe('leftovers()', () => {
  const recipe: UndoRecipe = {
    fault: 0,
    kind: 'zone-outage',
    targets: ['experiment-b'],
    actions: [{ action: 'power-on', zone: 'b', nodes: ['experiment-b'] }],
  }
  let recorded: Recorded
  beforeEach(async () => {
    recorded = await recordedDependencies(clock)
  })

  const find = () => leftovers(recorded.dependencies)
  const heal = async () => undoLeftovers(await find(), recorded.dependencies.executor, never)

  async function killedRun(runId: string): Promise<string> {
    const { dependencies, lab } = recorded
    const folder = join(dependencies.runsFolder, runId)
    await mkdir(folder)
    await writeUndoFile(folder, [recipe])
    await lab.cluster.powerOff('experiment', 'b')
    return folder
  }

  test('finds what a killed run did not undo; healing gives the power back and marks the recipe as done', async () => {
    const folder = await killedRun('run-1')
    expect(await heal()).toEqual(['run run-1 did not undo zone-outage of experiment-b'])
    expect(recorded.lab.dark.size).toBe(0)
    expect(JSON.parse(await readFile(join(folder, UNDO_FILE), 'utf8'))).toEqual([])
    expect(await find()).toEqual([])
  })

  test('finds an experiment node without power that no run tells of', async () => {
    await recorded.lab.cluster.powerOff('experiment', 'c')
    expect(await heal()).toEqual(['node experiment-c has no power and no run tells why'])
    expect(recorded.lab.dark.size).toBe(0)
  })

  test('leaves a run alone that is alive', async () => {
    await killedRun('run-1')
    recorded.lock.current = 'run-1'
    expect(await find()).toEqual([])
  })

  test('heals an older run while another is alive', async () => {
    await killedRun('run-1')
    recorded.lock.current = 'run-2'
    expect((await find()).map(({ description }) => description)).toEqual([
      'run run-1 did not undo zone-outage of experiment-b',
    ])
  })

  test('stays a leftover when healing fails', async () => {
    await killedRun('run-1')
    recorded.lab.failingPowerOns = 1
    await expect(heal()).rejects.toThrow('the engine does not answer')
    expect(await find()).toHaveLength(1)
  })

  describe('with two faults of one run, the first of which cannot be undone', () => {
    const cannotPowerOn: UndoRecipe = { ...recipe, kind: 'power-off' }
    const evicting: UndoRecipe = {
      fault: 1,
      kind: 'evict',
      targets: ['experiment-c'],
      actions: [{ action: 'api-undo', undo: { undo: 'uncordon', node: 'experiment-c' } }],
    }
    let folder: string
    beforeEach(async () => {
      folder = await killedRun('run-1')
      await writeUndoFile(folder, [cannotPowerOn, evicting])
      recorded.lab.failingPowerOns = 1
    })

    test('undoes the other one, and names the first', async () => {
      await expect(heal()).rejects.toThrow(
        /^Cannot undo 1 of 2 .*: run run-1 did not undo power-off of experiment-b: .*engine does not answer/,
      )
      expect(recorded.api.undone).toEqual([{ undo: 'uncordon', node: 'experiment-c' }])
    })

    test('forgets the one that is undone, and only that', async () => {
      await expect(heal()).rejects.toThrow()
      expect(JSON.parse(await readFile(join(folder, UNDO_FILE), 'utf8'))).toEqual([cannotPowerOn])

      expect(await heal()).toEqual(['run run-1 did not undo power-off of experiment-b'])
      expect(recorded.lab.dark.size).toBe(0)
      expect(JSON.parse(await readFile(join(folder, UNDO_FILE), 'utf8'))).toEqual([])
    })
  })

  test('tries nothing more once it is to stop', async () => {
    await killedRun('run-1')
    const stopped = AbortSignal.abort(new Error('interrupted'))
    const attempt = undoLeftovers(await find(), recorded.dependencies.executor, stopped)
    await expect(attempt).rejects.toThrow(/^interrupted$/)
    expect(await find()).toHaveLength(1)
  })

  test('finds nothing where no run ever was', async () => {
    const runsFolder = join(recorded.dependencies.runsFolder, 'none')
    expect(await leftovers({ ...recorded.dependencies, runsFolder })).toEqual([])
  })
})
