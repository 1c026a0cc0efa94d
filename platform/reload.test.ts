import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { FakeApiServer } from './fake-api-server.ts'
import { EXAMPLE_INPUT } from './manifests/example.ts'
import { renderAll } from './manifests/manifests.ts'
import { selectorLabels } from './manifests/object.ts'
import type { Ended, PodPrograms } from './pod-programs.ts'
import { reloadChanged } from './reload.ts'

const OBJECTS = renderAll(EXAMPLE_INPUT)
const WITH_OTHER_RULES = renderAll({
  ...EXAMPLE_INPUT,
  observability: { ...EXAMPLE_INPUT.observability, rules: { 'other.yml': 'groups: [] # other\n' } },
})
const MAPS = {
  'prometheus-config': '/etc/prometheus-lab',
  'prometheus-rules': '/etc/prometheus-rules',
  'alertmanager-config': '/etc/alertmanager/config',
}

/** Two pods whose kubelet brings files when their annotations change, and whose programs take them on SIGHUP. */
class FakePods implements PodPrograms {
  readonly api = new FakeApiServer()
  /** `prometheus sh`, in the order in which they were run. */
  readonly ran: string[] = []
  nowSeconds = 1000
  /** Text by path, as it stands in the pods. */
  files = new Map<string, string>()
  changedSeconds = 500
  loadedSeconds: Record<string, number> = { prometheus: 600, alertmanager: 600 }
  refusal: string | null = null
  kubeletBrings = true
  takesFiles = true
  /** So many of the next looks at the files fail. */
  failingLooks = 0
  private readonly next: ReadonlyMap<string, string>

  constructor(next: ReadonlyMap<string, string>) {
    this.next = next
    for (const service of ['prometheus', 'alertmanager'] as const) {
      this.api.put({
        kind: 'Pod',
        metadata: {
          name: `${service}-1`,
          namespace: 'observability',
          labels: selectorLabels('system', service),
        },
        status: { phase: 'Running' },
      })
    }
    this.api.onApply = object => {
      if (this.kubeletBrings) this.bring()
      return object
    }
    this.api.metrics = pod => {
      const service = pod.replace(/.+\/(.+)-1/, '$1')
      const name = `${service}_config_last_reload_success_timestamp_seconds`
      return `# TYPE ${name} gauge\n${name} ${this.loadedSeconds[service]}\n`
    }
  }

  bring(): void {
    this.files = new Map(this.next)
    this.changedSeconds = this.nowSeconds
  }

  async run(_namespace: string, pod: string, container: string, command: readonly string[]): Promise<Ended> {
    expect(pod).toBe(`${container}-1`)
    if (command[0] !== 'sh') {
      this.ran.push(`${container}: ${command.join(' ')}`)
      return this.refusal === null ? { exitCode: 0, output: '' } : { exitCode: 1, output: this.refusal }
    }
    if (command[2] === 'kill -HUP 1') {
      this.ran.push(`${container}: SIGHUP`)
      if (this.takesFiles) this.loadedSeconds[container] = this.nowSeconds + 0.2
      return { exitCode: 0, output: '' }
    }
    if (this.failingLooks-- > 0) throw new Error('the connection was closed')
    const lines = command
      .slice(4)
      .flatMap(folder => [
        `${this.changedSeconds + 0.125} ${folder}/..data`,
        ...[...this.files]
          .filter(([path]) => path.startsWith(`${folder}/`))
          .map(([path, text]) => `${createHash('sha256').update(text).digest('hex')}  ${path}`),
      ])
    return { exitCode: 0, output: lines.join('\n') }
  }
}

function filesOf(objects: typeof OBJECTS): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(MAPS).flatMap(([name, folder]) => {
      const data = objects.find(object => object.kind === 'ConfigMap' && object.metadata.name === name)?.data
      return Object.entries(data as Record<string, string>).map(([file, text]) => [`${folder}/${file}`, text])
    }),
  )
}

let pods: FakePods
let told: string[]

const reload = (objects = WITH_OTHER_RULES, signal = new AbortController().signal) =>
  reloadChanged(pods.api, objects, {
    programs: pods,
    progress: message => told.push(message),
    signal,
    clock: {
      nowMs: () => pods.nowSeconds * 1000,
      sleep: async durationMs => {
        pods.nowSeconds += durationMs / 1000
      },
    },
  })

beforeEach(() => {
  told = []
  pods = new FakePods(filesOf(WITH_OTHER_RULES))
  pods.files = new Map(filesOf(OBJECTS))
})

describe('reloadChanged()', () => {
  test('leaves alone what goes by its files already', async () => {
    await reload(OBJECTS)

    expect([pods.ran, pods.api.calls, told]).toEqual([[], [], []])
  })

  test('has new files brought, checked and taken', async () => {
    await reload()

    expect(pods.api.calls).toEqual(['apply Pod observability/prometheus-1'])
    expect(pods.ran.slice(0, 2)).toEqual([
      'prometheus: promtool check config /etc/prometheus-lab/prometheus.yml',
      'prometheus: SIGHUP',
    ])
    expect(pods.loadedSeconds.prometheus).toBeGreaterThan(pods.changedSeconds)
    expect(told.slice(0, 2)).toEqual([
      'the new files of prometheus go into its pod',
      'prometheus reads its files again',
    ])
  })

  test('goes on where an earlier command ended: the files are there, but were not taken', async () => {
    pods.bring()
    await reload()

    expect(pods.api.calls).toEqual([])
    expect(pods.ran).toEqual([
      'prometheus: promtool check config /etc/prometheus-lab/prometheus.yml',
      'prometheus: SIGHUP',
      'alertmanager: amtool check-config /etc/alertmanager/config/alertmanager.yml',
      'alertmanager: SIGHUP',
    ])
  })

  test('sends no signal where the files would be refused, and says why', async () => {
    pods.refusal = 'FAILED: parse error: unexpected character'

    await expect(reload()).rejects.toMatchObject({
      code: 'CONFIG_REFUSED',
      message: expect.stringContaining('unexpected character'),
    })
    expect(pods.ran).not.toContain('prometheus: SIGHUP')
  })

  test('does not take a signal for a proof: gives up on a program that goes on with its old files', async () => {
    pods.takesFiles = false
    pods.api.logs.set('observability/prometheus-1', 'level=error err="it is stuck"')

    await expect(reload()).rejects.toThrow(/after 60 s it has not taken its new files[\s\S]+it is stuck/)
  })

  test('gives up on files that do not come', async () => {
    pods.kubeletBrings = false

    await expect(reload()).rejects.toThrow('after 120 s the new files are not in its pod')
    expect(pods.ran).toEqual([])
  })

  test('waits as well for a file that is to go', async () => {
    pods.files = new Map([...filesOf(WITH_OTHER_RULES), ['/etc/prometheus-rules/old.yml', 'groups: []\n']])

    await reload()

    expect(pods.api.calls).toEqual(['apply Pod observability/prometheus-1'])
    expect(pods.files.has('/etc/prometheus-rules/old.yml')).toBe(false)
  })

  test('looks again when a look fails, whether it is the first one or a later one', async () => {
    pods.failingLooks = 3

    await reload()

    expect(pods.ran).toContain('prometheus: SIGHUP')
  })

  test('says why it could not look when it gives up', async () => {
    pods.failingLooks = Number.POSITIVE_INFINITY

    await expect(reload()).rejects.toMatchObject({
      message: expect.stringMatching(/after 120 s the new files are not in its pod.+connection was closed/),
      cause: expect.objectContaining({ message: 'the connection was closed' }),
    })
  })

  test('does not look again when it is interrupted', async () => {
    pods.failingLooks = Number.POSITIVE_INFINITY

    await expect(reload(WITH_OTHER_RULES, AbortSignal.abort(new Error('interrupted')))).rejects.toThrow(
      'interrupted',
    )
    expect(pods.nowSeconds).toBe(1000)
  })

  test('passes over a pod that is leaving, and says that nobody has checked the files', async () => {
    const leaving = await pods.api.read({ kind: 'Pod', name: 'prometheus-1', namespace: 'observability' })
    if (leaving === undefined) throw new Error('Cannot find the pod')
    pods.api.put({ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: 'now' } })

    await reload()

    expect(pods.ran).toEqual([])
    expect(told[0]).toBe('no pod of prometheus runs: its files are not checked')
  })
})

describe('the rendered pods', () => {
  test('are the same whatever the rules are: a new rule costs no history', () => {
    const deployments = (objects: typeof OBJECTS) =>
      objects.filter(
        ({ kind, metadata }) =>
          kind === 'Deployment' && ['prometheus', 'alertmanager'].includes(metadata.name),
      )

    expect(deployments(OBJECTS)).toHaveLength(2)
    expect(deployments(WITH_OTHER_RULES)).toEqual(deployments(OBJECTS))
  })
})
