import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Answer, Kubernetes } from './kubernetes.ts'
import { ApiLeases } from './leases.ts'

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/chaos/leases'
const HALT = '/api/v1/namespaces/chaos/configmaps/halt'

type Stored = { renewTime: string; undo: string }

/** An API server that keeps leases and writes down what is changed. */
class FakeApi implements Kubernetes {
  readonly changes: string[] = []
  readonly leases = new Map<string, Stored>()
  halted = false
  isDown = false
  /** Status by the part of a path. */
  readonly answers = new Map<string, number>()

  async get(path: string): Promise<Answer> {
    if (this.isDown) throw new Error('connect ECONNREFUSED')
    if (path === HALT) return { status: this.halted ? 200 : 404, body: {} }
    if (path !== `${LEASES}?labelSelector=divergence%2Ffault-lease`) return { status: 404, body: null }
    const items = [...this.leases].map(([name, { renewTime, undo }]) => ({
      metadata: { name, annotations: { 'divergence/undo': undo } },
      spec: { renewTime, leaseDurationSeconds: 8 },
    }))
    return { status: 200, body: { items } }
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

let api: FakeApi
let nowMs: number
let logged: string[]
let leases: ApiLeases

beforeEach(() => {
  api = new FakeApi()
  nowMs = 0
  logged = []
  leases = new ApiLeases(
    api,
    () => nowMs,
    event => logged.push(event),
  )
})

const uncordon = JSON.stringify([{ undo: 'uncordon', node: 'experiment-a' }])

async function look(atSeconds: number): Promise<void> {
  nowMs = atSeconds * 1000
  await leases.look()
}

describe('ApiLeases.look()', () => {
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
    api.halted = true

    await look(0)

    expect(leases.isHalted).toBe(true)
    expect(api.changes).toHaveLength(2)
  })

  test('keeps the lease of what could not be undone, says so, and tries again', async () => {
    api.leases.set('l1', { renewTime: 'x', undo: uncordon })
    api.answers.set('/nodes/', 403)
    await look(0)
    await look(8)
    expect(api.leases.has('l1')).toBe(true)
    expect(logged).toEqual(['API LEASES NOT LOOKED AT'])
    api.answers.clear()

    await look(9)

    expect(api.leases.has('l1')).toBe(false)
  })

  test('does the others when one cannot be understood', async () => {
    api.leases.set('bad', { renewTime: 'x', undo: '[{"undo":"delete-everything"}]' })
    api.leases.set('good', { renewTime: 'x', undo: uncordon })
    await look(0)
    await look(8)

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

  test('lives through an API server that does not answer, and goes by what it knew', async () => {
    api.halted = true
    await look(0)
    api.isDown = true

    await look(1)

    expect(leases.isHalted).toBe(true)
    expect(logged).toEqual(['API LEASES NOT LOOKED AT'])
  })
})
