import { describe, expect, test } from '@jest/globals'
import type { V1PodSpec } from '@kubernetes/client-node'
import { GROUPS, type Group } from '../topology.ts'
import { CONTAINERS as ALL_CONTAINERS, PODS as ALL_PODS, isExecutor } from './planned-pods.ts'

const isGroup = (name: string): name is Group => (GROUPS as readonly string[]).includes(name)

// The agent is everything that no other pod may be; its own test says what it is.
const PODS = ALL_PODS.filter(pod => pod.labels.service !== 'agent')
const CONTAINERS = ALL_CONTAINERS.filter(({ pod }) => pod.labels.service !== 'agent')

/** Labels and taints of the nodes that pods could be placed on. */
const NODES = [
  { name: 'control', labels: { group: 'control' }, taint: 'control' },
  { name: 'experiment', labels: { group: 'experiment' }, taint: 'experiment' },
  { name: 'system', labels: { group: 'system' }, taint: undefined },
  { name: 'somebody else’s', labels: {}, taint: undefined },
] as const satisfies readonly { name: string; labels: { group?: string }; taint: Group | undefined }[]

/** Names of the nodes that the scheduler may put a pod on, by the rules of Kubernetes. */
function placesOf({ nodeSelector, tolerations = [], affinity }: V1PodSpec): readonly string[] {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const fits = (labels: Readonly<Record<string, string>>) =>
    Object.entries(nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (terms?.some(term =>
      (term.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
        const included = values.includes(labels[key] ?? '')
        return operator === 'NotIn' ? !included : operator === 'In' && included
      }),
    ) ??
      true)
  const tolerates = (taint: string) =>
    tolerations.some(
      each =>
        (each.key === undefined && each.operator === 'Exists') ||
        (each.key === 'group' && each.value === taint),
    )
  return NODES.filter(({ labels, taint }) => fits(labels) && (taint === undefined || tolerates(taint))).map(
    node => node.name,
  )
}

describe('every pod', () => {
  test('is found', () => {
    expect(PODS.map(pod => pod.title)).toHaveLength(8 + 2 * (1 + 1 + 3 + 2))
  })

  test.each(PODS)(
    '$title carries its group and service, the group of its namespace',
    ({ labels, namespace }) => {
      expect(labels.group).toBe(isGroup(namespace) ? namespace : 'system')
      expect(labels.service).toMatch(/^[a-z-]+$/)
    },
  )

  test.each(PODS)('$title lands where it belongs and nowhere else', ({ namespace, labels, spec }) => {
    const everywhere = ['node-exporter', 'blackbox'].includes(labels.service ?? '')
    const outside = !isGroup(namespace) || labels.service === 'edge'
    const expected = outside ? ['system', 'somebody else’s'] : [namespace]

    expect(placesOf(spec)).toEqual(everywhere ? NODES.map(node => node.name) : expected)
  })

  test.each(PODS.filter(pod => isGroup(pod.namespace) && pod.labels.service !== 'edge'))(
    '$title waits for its node for ever',
    ({ spec }) => {
      const evicting = (spec.tolerations ?? []).filter(each => each.effect === 'NoExecute')

      expect(evicting).toEqual([
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
      ])
    },
  )

  test.each(PODS)('$title runs as nobody in particular, confined', ({ spec }) => {
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    })
  })

  test('has a token of the API server only where it speaks to it', () => {
    const withToken = PODS.filter(pod => pod.spec.automountServiceAccountToken !== false)

    expect([...new Set(withToken.map(pod => pod.labels.service))].sort()).toEqual([
      'database',
      'ingest',
      'object-state',
      'oncall',
      'prometheus',
    ])
    expect(withToken.some(pod => isExecutor(pod.title))).toBe(false)
  })

  test('sees nothing of its host but the exporter of the node', () => {
    const host = PODS.filter(
      ({ spec }) =>
        spec.hostNetwork ||
        spec.hostPID ||
        spec.hostIPC ||
        (spec.volumes ?? []).some(volume => volume.hostPath),
    )

    expect(host.map(pod => pod.labels.service)).toEqual(['node-exporter'])
  })
})

describe('every container', () => {
  test.each(CONTAINERS)('$title has no rights it does not need', ({ container }) => {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
    })
  })

  // Spark itself gives executors their image and their resources, from its settings.
  const ours = CONTAINERS.filter(({ title }) => !isExecutor(title))

  test.each(ours)('$title runs an image named by its content', ({ container }) => {
    expect(container.image).toMatch(/^registry\.divergence:5000\/[a-z]+:[0-9a-f]{16}$/)
  })

  test.each(ours)('$title asks for CPU and memory and is limited in memory', ({ container }) => {
    expect(container.resources).toMatchObject({
      requests: { cpu: expect.stringMatching(/^\d+m$/), memory: expect.stringMatching(/^\d+Mi$/) },
      limits: { memory: expect.stringMatching(/^\d+Mi$/) },
    })
  })

  const serving = ours.filter(
    ({ pod, container }) =>
      !['migrate', 'ingest'].includes(pod.labels.service ?? '') &&
      // A member that serves must not be taken out because its exporter does not.
      container.name !== 'postgres-exporter',
  )

  test.each(serving)('$title is asked whether it is ready and alive', ({ container }) => {
    const { readinessProbe: ready, livenessProbe: alive } = container
    const port = ready?.httpGet?.port ?? ready?.tcpSocket?.port

    expect(port).toBeGreaterThan(0)
    expect(alive?.httpGet?.port ?? alive?.tcpSocket?.port).toBeGreaterThan(0)
    expect(container.ports?.map(each => each.containerPort)).toContain(port)
  })
})

describe('one pod a zone', () => {
  const spread = PODS.filter(pod => ['gateway', 'recommender', 'database'].includes(pod.labels.service ?? ''))

  test.each(spread)('$title is spread over the zones that are alive', ({ labels, spec }) => {
    const { service, group } = labels

    expect(spec.topologySpreadConstraints).toEqual([
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        nodeTaintsPolicy: 'Honor',
        labelSelector: { matchLabels: { group, service } },
        ...(service === 'database' ? {} : { matchLabelKeys: ['pod-template-hash'] }),
      },
    ])
  })
})
