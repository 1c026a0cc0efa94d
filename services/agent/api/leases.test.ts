import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Answer, Kubernetes } from './kubernetes.ts'
import { ApiLeases } from './leases.ts'

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/chaos/leases'

type Stored = { renewTime: string; undo: string }

/** An API server that keeps leases and writes down what is changed. */
class FakeApi implements Pick<Kubernetes, 'patch' | 'remove'> {
  readonly changes: string[] = []
  readonly leases = new Map<string, Stored>()
  /** Status by the part of a path. */
  readonly answers = new Map<string, number>()

  list(): readonly unknown[] {
    return [...this.leases].map(([name, stored]) => leaseObject(name, stored))
  }

  async patch(path: string, body: unknown): Promise<Answer> {
    return this.#change(`patch ${path} ${JSON.stringify(body)}`, path)
  }

  async remove(path: string): Promise<Answer> {
    if (path.startsWith(LEASES)) this.leases.delete(path.slice(LEASES.length + 1))
    return this.#change(`remove ${path}`, path)
  }

  #change(what: string, path: string): Answer {
    this.changes.push(what)
    const status = [...this.answers].find(([part]) => path.includes(part))?.[1] ?? 200
    return { status, body: { message: `status ${status}` } }
  }
}

function leaseObject(name: string, { renewTime, undo }: Stored): unknown {
  return {
    metadata: { name, annotations: { 'divergence/undo': undo } },
    spec: { renewTime, leaseDurationSeconds: 8 },
  }
}

let api: FakeApi
let nowMs: number
let leases: ApiLeases

beforeEach(() => {
  api = new FakeApi()
  nowMs = 0
  leases = new ApiLeases(
    api,
    () => nowMs,
    () => undefined,
  )
})

const uncordon = JSON.stringify([{ undo: 'uncordon', node: 'experiment-a' }])

async function look(atSeconds: number): Promise<void> {
  nowMs = atSeconds * 1000
  await leases.keep(api.list())
}

describe('ApiLeases.keep()', () => {
  test('undoes a fault whose lease nobody renews, by its own clock, and takes the lease away', async () => {
    // However wrong the clock of the runner was.
    api.leases.set('l1', { renewTime: '2099-01-01T00:00:00.000000Z', undo: uncordon })
    await look(0)
    await look(7.9)
    expect(api.changes).toEqual([])

    await look(8)

    expect(api.changes).toEqual([
      'patch /api/v1/nodes/experiment-a {"spec":{"unschedulable":null}}',
      `remove ${LEASES}/l1`,
    ])
  })

  test('leaves alone what is renewed', async () => {
    for (let second = 0; second < 30; second++) {
      api.leases.set('l1', { renewTime: `renewed at ${second}`, undo: uncordon })
      await look(second)
    }

    expect(api.changes).toEqual([])
  })

  test.each([
    [
      { undo: 'scale', resource: 'statefulsets', name: 'database', replicas: 3 },
      'patch /apis/apps/v1/namespaces/experiment/statefulsets/database/scale {"spec":{"replicas":3}}',
    ],
    [
      { undo: 'delete-deployment', name: 'occupant-1' },
      'remove /apis/apps/v1/namespaces/experiment/deployments/occupant-1',
    ],
    [{ undo: 'delete-load', job: 'load-1' }, 'remove /apis/batch/v1/namespaces/observability/jobs/load-1'],
  ])('knows how to %j', async (undo, change) => {
    api.leases.set('l1', { renewTime: 'x', undo: JSON.stringify([undo]) })
    await look(0)
    await look(8)

    expect(api.changes[0]).toBe(change)
  })

  test('undoes everything at once when there is a halt', async () => {
    api.leases.set('l1', { renewTime: 'x', undo: uncordon })
    leases.setHalted(true)

    await look(0)

    expect(api.changes).toHaveLength(2)
  })

  test('keeps the lease of what could not be undone, says so, and tries again', async () => {
    api.leases.set('l1', { renewTime: 'x', undo: uncordon })
    api.answers.set('/nodes/', 403)
    await look(0)
    await expect(look(8)).rejects.toThrow('Cannot undo l1: the API server said 403, status 403')
    expect(api.leases.has('l1')).toBe(true)
    api.answers.clear()

    await look(9)

    expect(api.leases.has('l1')).toBe(false)
  })

  test('takes no lease for run out because another took long to undo', async () => {
    api.leases.set('slow', { renewTime: 'x', undo: uncordon })
    await look(0)
    api.leases.set('young', { renewTime: 'y', undo: uncordon })
    await look(7)
    api.patch = async path => {
      nowMs += 9_000
      api.changes.push(path)
      return { status: 200, body: {} }
    }

    await look(8)

    expect([...api.leases.keys()]).toEqual(['young'])
    expect(api.changes).toHaveLength(2)
  })

  test('does the others when one cannot be understood', async () => {
    api.leases.set('bad', { renewTime: 'x', undo: '[{"undo":"delete-everything"}]' })
    api.leases.set('good', { renewTime: 'x', undo: uncordon })
    await look(0)
    await expect(look(8)).rejects.toThrow('Cannot undo bad')

    expect([...api.leases.keys()]).toEqual(['bad'])
    expect(api.changes).toHaveLength(2)
  })

  test('takes what is gone for undone: another agent was quicker', async () => {
    api.leases.set('l1', { renewTime: 'x', undo: uncordon })
    api.answers.set('/nodes/', 404)
    await look(0)
    await look(8)

    expect(api.leases.size).toBe(0)
  })
})

describe('ApiLeases.isDue', () => {
  const lease = (renewTime: string) => leaseObject('l1', { renewTime, undo: uncordon })

  test('is so once a lease that was listed has run out, and no more once it is kept', async () => {
    api.leases.set('l1', { renewTime: 'x', undo: uncordon })
    await look(0)
    nowMs = 7_999
    expect(leases.isDue).toBe(false)

    nowMs = 8_000

    expect(leases.isDue).toBe(true)
    await look(8)
    expect(leases.isDue).toBe(false)
  })

  test('counts from the last change that was noticed', () => {
    leases.notice(lease('first'))
    nowMs = 7_000
    leases.notice(lease('second'))
    nowMs = 14_000
    // Something else was changed.
    leases.notice(lease('second'))
    expect(leases.isDue).toBe(false)

    nowMs = 15_000

    expect(leases.isDue).toBe(true)
  })

  test('forgets what is gone', () => {
    leases.notice(lease('x'))
    nowMs = 8_000

    leases.forget(lease('x'))

    expect(leases.isDue).toBe(false)
  })

  test('is so at once for any lease when there is a halt, and never without one', () => {
    leases.setHalted(true)
    expect(leases.isDue).toBe(false)

    leases.notice(lease('x'))

    expect(leases.isDue).toBe(true)
  })
})
