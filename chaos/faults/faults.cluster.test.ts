import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { allBatches, MOMENTARY, nameOf } from '../trials/batches.ts'
import { EVENTS, type EventName, leaveDark, type Row, tableText, trial } from '../trials/table.ts'
import { type Batch, remember, spreadPods } from '../trials/trial.ts'
import { connectTrialLab, keepAsking, type TrialLab } from '../trials/trial-lab.ts'
import { FAULT_KINDS, faultSchema } from './catalogue.ts'

/*
 * On the running local lab (`./divergence up`): every kind of fault, begun by a runner in a process of its own, and what
 * may befall it. FAULTS_FULL=1 (`npm run test:faults`) lets everything befall every fault; without it each ends by
 * itself and by a runner that was killed. FAULTS_TABLE names the file that the table is written to, FAULTS_BATCH the one
 * batch to try.
 */

const MINUTE_MS = 60_000
jest.setTimeout(8 * MINUTE_MS)

const isFull = process.env.FAULTS_FULL === '1'
const onlyBatch = process.env.FAULTS_BATCH
const events: readonly EventName[] = isFull ? EVENTS : ['end', 'kill -9 of the runner']
/** Long enough to be seen; where nothing ends it before, the batch takes no longer. */
const DURATION_SECONDS: Readonly<Record<EventName, number>> = {
  end: 15,
  'Ctrl-C': 60,
  'kill -9 of the runner': 60,
  // What is done in the API goes on without the agent, and ends at its time.
  'kill -9 of the agent': 40,
  "agent's network cut": 45,
}
/** A lease, the agents' check, and the undo. */
const MOST_SECONDS = 10
const rows = new Map<string, Row>()
/** A surge is the load generator's, which begins and ends it by itself: a run with load tries it. */
const ELSEWHERE: readonly string[] = ['surge']

let lab: TrialLab
const asking = new AbortController()

beforeAll(async () => {
  lab = await connectTrialLab()
  await spreadPods(lab, await remember(lab))
  void keepAsking(10, asking.signal)
})

afterAll(async () => {
  asking.abort()
  lab.agents.close()
  const table = tableText([...rows.values()], events)
  if (process.env.FAULTS_TABLE !== undefined) await writeFile(process.env.FAULTS_TABLE, `${table}\n`)
  process.stdout.write(`\n${table}\n`)
})

const told = (message: string) => void process.stdout.write(`${message}\n`)

function expectRows(batch: Batch, event: EventName): void {
  for (const name of batch.faults.map(nameOf)) {
    const row = rows.get(name)
    if (row === undefined) throw new Error(`Cannot find what became of ${name}`)
    expectRow(row, event)
  }
}

function expectRow({ name, proven, undone, residue }: Row, event: EventName): void {
  const seconds = undone[event]
  expect({ name, event, proven: proven?.proven, detail: proven?.detail }).toMatchObject({ proven: true })
  expect({ name, event, residue }).toEqual({ name, event, residue: [] })
  expect({ name, event, isUndone: seconds !== null }).toMatchObject({ isUndone: true })
  // What a network that was cut keeps from being told is told when it is mended.
  if (typeof seconds === 'number')
    expect({ name, event, late: seconds > MOST_SECONDS ? seconds : null }).toMatchObject({ late: null })
}

describe.each(events)('every fault, then %s', event => {
  test.each(allBatches(DURATION_SECONDS[event]))('$name', async batch => {
    if (onlyBatch !== undefined && onlyBatch !== batch.name) return
    if (batch.isDark === true && event.includes('agent')) return leaveDark(batch, event, rows)
    await trial(lab, batch, event, rows, told)
    expectRows(batch, event)
  })
})

describe('what heals by itself', () => {
  test('is proven and leaves nothing', async () => {
    if (onlyBatch !== undefined && onlyBatch !== MOMENTARY.name) return
    await trial(lab, MOMENTARY, 'end', rows, told)
    expectRows(MOMENTARY, 'end')
  })
})

describe('the control group', () => {
  const never = new AbortController().signal
  const controlPod = async () => {
    const { pods } = await lab.lab.view()
    const pod = pods.find(({ group, service }) => group === 'control' && service === 'gateway')
    if (pod === undefined) throw new Error('Cannot find a gateway of the control group')
    return pod
  }

  test('has no agent on any of its nodes, nor has the shared node', async () => {
    const nodes = (await lab.agents.list()).map(({ node }) => node)
    expect(nodes.sort()).toEqual(['experiment-a', 'experiment-b', 'experiment-c'])
  })

  test('cannot be selected', () => {
    const spec = { kind: 'kill-pod', select: { group: 'control', services: ['gateway'] } }
    expect(faultSchema.safeParse(spec).success).toBe(false)
  })

  test.each([
    ['in its own namespace', {}],
    ['with a name as if it were of the experiment', { namespace: 'experiment' }],
  ])('cannot be killed by a forged action, %s', async (_title, change) => {
    const { namespace, name, uid } = await controlPod()
    const forged = { action: 'delete-pod', namespace, name, uid, graceSeconds: 0, ...change } as const
    const attempt = lab.executor.perform({ runId: 'trial', actions: [forged], atMostSeconds: 10 }, never)
    await expect(attempt).rejects.toThrow('Cannot attack')
    expect((await controlPod()).uid).toBe(uid)
  })

  test('is refused by an agent that is asked directly', async () => {
    const { name, uid } = await controlPod()
    const fault = {
      id: `trial${Date.now().toString(36)}`,
      runId: 'trial',
      kind: 'pause',
      target: { kind: 'container', pod: name, podUid: uid, container: 'gateway' },
      actions: [{ action: 'freeze' }],
      durationSeconds: 5,
      leaseSeconds: 5,
    } as const
    await expect(lab.agents.ask('experiment-a', { op: 'prepare', fault })).rejects.toMatchObject({
      code: expect.stringMatching(/^TARGET_(GONE|NOT_EXPERIMENTAL)$/),
    })
  })

  test('cannot be powered off, cordoned or partitioned by a forged node', async () => {
    for (const action of [
      { action: 'power-off', zone: 'a', nodes: ['control-a'] },
      { action: 'cordon', node: 'control-a' },
    ] as const) {
      const attempt = lab.executor.perform({ runId: 'trial', actions: [action], atMostSeconds: 10 }, never)
      await expect(attempt).rejects.toMatchObject({ code: 'TARGET_NOT_EXPERIMENTAL' })
    }
  })
})

test('no kind of fault is left out', () => {
  const tried = [...allBatches(1), MOMENTARY].flatMap(({ faults }) => faults.map(({ kind }) => kind))
  expect([...new Set([...tried, ...ELSEWHERE])].sort()).toEqual([...FAULT_KINDS].sort())
})
