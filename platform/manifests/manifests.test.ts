import { describe, expect, test } from '@jest/globals'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { GROUPS, type Group } from '../topology.ts'
import { EXAMPLE_INPUT } from './example.ts'
import { renderAll, renderStages, STAGES } from './manifests.ts'
import type { KubernetesObject, PodTemplate } from './object.ts'

const OBJECTS = renderAll(EXAMPLE_INPUT)

/** A pod that some object will make, with the namespace it is made in. */
type Planned = {
  readonly title: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: V1PodSpec
}

/** Pods of workloads, and the executors that Spark makes from their template. */
function plannedPods(objects: readonly KubernetesObject[]): readonly Planned[] {
  return objects.flatMap(object => {
    const namespace = object.metadata.namespace ?? ''
    const title = `${object.kind} ${namespace}/${object.metadata.name}`
    const template = (object.spec as { template?: PodTemplate } | undefined)?.template
    if (template) return [{ title, namespace, labels: template.metadata.labels, spec: template.spec }]
    const executor = (object.data as Record<string, string> | undefined)?.['executor.yaml']
    if (!executor) return []
    const pod = parse(executor) as PodTemplate
    return [{ title: `executor of ${title}`, namespace, labels: pod.metadata.labels, spec: pod.spec }]
  })
}

const PODS = plannedPods(OBJECTS)
const CONTAINERS = PODS.flatMap(pod =>
  pod.spec.containers.map(container => ({ title: `${pod.title} ${container.name}`, pod, container })),
)
const isExecutor = (title: string) => title.startsWith('executor of')
const isGroup = (name: string): name is Group => (GROUPS as readonly string[]).includes(name)

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

describe('renderStages()', () => {
  test('gives every stage in the order in which they need each other', () => {
    expect(renderStages(EXAMPLE_INPUT).map(stage => stage.name)).toEqual([...STAGES])
    expect(STAGES).toEqual(['facilities', 'database', 'migrate', 'services', 'ingest'])
  })

  test('gives the same objects for the same input', () => {
    expect(JSON.stringify(renderStages(EXAMPLE_INPUT))).toBe(JSON.stringify(renderStages(EXAMPLE_INPUT)))
  })

  test('renders no Job that loads songs when there is no corpus', () => {
    const { corpus: _, ...withoutCorpus } = EXAMPLE_INPUT

    expect(renderStages(withoutCorpus).at(-1)).toEqual({ name: 'ingest', objects: [] })
  })
})

describe('renderAll()', () => {
  test('renders both groups alike', () => {
    const named = (group: Group) =>
      OBJECTS.filter(object => object.metadata.namespace === group)
        .map(object => `${object.kind} ${object.metadata.name.replace(/-[0-9a-f]{10}$/, '')}`)
        .filter(name => name !== 'Role prometheus')

    expect(named('experiment')).toEqual(named('control'))
    expect(named('control')).toContain('StatefulSet database')
  })

  test('gives no two objects the same name', () => {
    const names = OBJECTS.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)

    expect(new Set(names).size).toBe(names.length)
  })

  test.each(OBJECTS)('labels $kind $metadata.name as ours, with its group and service', ({ metadata }) => {
    expect(metadata.labels).toMatchObject({
      'app.kubernetes.io/part-of': 'divergence',
      'app.kubernetes.io/managed-by': 'divergence',
      group: expect.stringMatching(/^(control|experiment|system)$/),
      service: expect.stringMatching(/^[a-z-]+$/),
    })
  })

  test('writes no password anywhere', () => {
    const written = CONTAINERS.flatMap(({ container }) => container.env ?? []).filter(
      each => /PASSWORD$/.test(each.name) && each.value !== undefined,
    )

    expect(written).toEqual([])
    expect(OBJECTS.filter(object => object.kind === 'Secret')).toEqual([])
  })

  test('refuses an image that was not published', () => {
    const input = { ...EXAMPLE_INPUT, images: { edge: 'registry/edge:1' } }

    expect(() => renderAll(input)).toThrow(
      "Cannot render a pod of image 'observability': it was not published",
    )
  })

  test('opens ports of the machine on the local cluster only', () => {
    const { corpus: _, ...input } = EXAMPLE_INPUT
    const nodePorts = (objects: readonly KubernetesObject[]) =>
      objects.flatMap(object =>
        ((object.spec as { ports?: { nodePort?: number }[] })?.ports ?? []).flatMap(
          port => port.nodePort ?? [],
        ),
      )

    expect(nodePorts(OBJECTS)).toEqual([30090, 30081, 30082])
    expect(nodePorts(renderAll({ ...input, facts: { ...input.facts, kind: 'context' } }))).toEqual([])
  })

  test('does not promise to load files of this machine into a cluster elsewhere', () => {
    const facts = { ...EXAMPLE_INPUT.facts, kind: 'context' as const }

    expect(() => renderAll({ ...EXAMPLE_INPUT, facts })).toThrow("Cannot load corpus 'openmsx-small'")
  })
})

describe('every pod', () => {
  test('is found', () => {
    expect(PODS.map(pod => pod.title)).toHaveLength(3 + 2 * (1 + 1 + 3 + 2))
  })

  test.each(PODS)(
    '$title carries its group and service, the group of its namespace',
    ({ labels, namespace }) => {
      expect(labels.group).toBe(isGroup(namespace) ? namespace : 'system')
      expect(labels.service).toMatch(/^[a-z-]+$/)
    },
  )

  test.each(PODS)('$title lands where it belongs and nowhere else', ({ namespace, labels, spec }) => {
    const everywhere = labels.service === 'node-exporter'
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

  const serving = ours.filter(({ pod }) => !['migrate', 'ingest'].includes(pod.labels.service ?? ''))

  test.each(serving)('$title is asked whether it is ready and alive', ({ container }) => {
    expect(container.readinessProbe?.httpGet?.port).toBeGreaterThan(0)
    expect(container.livenessProbe?.httpGet?.port).toBeGreaterThan(0)
    expect(container.ports?.map(port => port.containerPort)).toContain(
      container.readinessProbe?.httpGet?.port,
    )
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

describe('ingest', () => {
  const jobName = (input: typeof EXAMPLE_INPUT) =>
    renderAll(input).find(({ kind, metadata }) => kind === 'Job' && metadata.labels.service === 'ingest')
      ?.metadata.name

  test('is another Job when the corpus is another', () => {
    const other = { ...EXAMPLE_INPUT, corpus: { name: 'openmsx-small', contentHash: '0000000000000000' } }

    expect(jobName(EXAMPLE_INPUT)).toMatch(/^ingest-openmsx-small-[0-9a-f]{10}$/)
    expect(jobName(other)).not.toBe(jobName(EXAMPLE_INPUT))
  })

  test('is another Job when its program is another', () => {
    const images = { ...EXAMPLE_INPUT.images, ingest: 'registry.divergence:5000/ingest:ffffffffffffffff' }

    expect(jobName({ ...EXAMPLE_INPUT, images })).not.toBe(jobName(EXAMPLE_INPUT))
  })

  test('is the same Job when nothing that it does has changed', () => {
    const { services, ...rest } = EXAMPLE_INPUT.topology
    const busier = services.map(spec => (spec.service === 'gateway' ? { ...spec, replicas: 5 } : spec))

    expect(jobName({ ...EXAMPLE_INPUT, topology: { ...rest, services: busier } })).toBe(
      jobName(EXAMPLE_INPUT),
    )
  })

  test('has a name Kubernetes takes, whatever the folder is called', () => {
    const corpus = { name: 'a'.repeat(30), contentHash: 'feedfacecafebeef' }

    expect(jobName({ ...EXAMPLE_INPUT, corpus })?.length).toBeLessThanOrEqual(52)
  })

  test('tells Spark where to put executors and how large they are', () => {
    const settings = OBJECTS.flatMap(object => {
      const text = (object.data as Record<string, string> | undefined)?.['spark-defaults.conf']
      return text && object.metadata.namespace === 'experiment' ? [text] : []
    })

    expect(settings).toHaveLength(1)
    expect(settings[0]).toContain('spark.kubernetes.namespace experiment\n')
    expect(settings[0]).toContain('spark.executor.memory 512m\n')
    expect(settings[0]).toContain('spark.executor.memoryOverhead 512m\n')
    expect(settings[0]).toContain(
      'spark.kubernetes.container.image registry.divergence:5000/ingest:0123456789abcdef\n',
    )
  })
})

describe('network policies', () => {
  /** Services that may open a connection to `service` of the control group; `*` is anybody. */
  const callersOf = (service: string, port: number): readonly string[] => {
    const policy = OBJECTS.find(
      ({ kind, metadata }) =>
        kind === 'NetworkPolicy' && metadata.namespace === 'control' && metadata.name === service,
    )
    type Peer = { podSelector: { matchLabels: { group: string; service: string } } }
    const spec = policy?.spec as { ingress: { from?: Peer[]; ports?: { port: number }[] }[] } | undefined
    return (spec?.ingress ?? [])
      .filter(rule => rule.ports?.some(each => each.port === port))
      .flatMap(rule => rule.from?.map(peer => peer.podSelector.matchLabels.service) ?? ['*'])
  }

  test('make the edge the only open door, and the gateway the only one to the recommender', () => {
    expect(callersOf('edge', 8080)).toEqual(['*'])
    expect(callersOf('gateway', 8080)).toEqual(['edge'])
    expect(callersOf('recommender', 8000)).toEqual(['gateway', 'prometheus'])
    expect(callersOf('database', 5432)).toEqual(['recommender', 'migrate', 'ingest', 'database'])
  })

  test('close everything else in every namespace', () => {
    const closed = OBJECTS.filter(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'deny-all',
    )

    expect(closed.map(({ metadata, spec }) => [metadata.namespace, spec])).toEqual(
      ['control', 'experiment', 'observability'].map(namespace => [
        namespace,
        { podSelector: {}, policyTypes: ['Ingress'] },
      ]),
    )
  })
})

describe('the database', () => {
  const statefulSet = OBJECTS.find(
    ({ kind, metadata }) => kind === 'StatefulSet' && metadata.namespace === 'control',
  )
  const spec = statefulSet?.spec as {
    podManagementPolicy: string
    template: PodTemplate
    volumeClaimTemplates: { spec: { storageClassName: string } }[]
  }
  const container = spec.template.spec.containers[0] as V1Container
  const variable = (name: string) => container.env?.find(each => each.name === name)

  test('starts all members at once, each with a disk that stays in its zone', () => {
    expect(spec.podManagementPolicy).toBe('Parallel')
    expect(spec.volumeClaimTemplates.map(claim => claim.spec.storageClassName)).toEqual(['divergence-zonal'])
  })

  test('lets in the network of the pods alone', () => {
    expect(variable('POD_NETWORKS')?.value).toBe('10.244.0.0/16')
  })

  test('has its passwords from the Secret', () => {
    const passwords = (container.env ?? []).filter(each => each.name.endsWith('PASSWORD'))

    expect(passwords.map(each => [each.name, each.valueFrom?.secretKeyRef])).toEqual([
      ['PATRONI_SUPERUSER_PASSWORD', { name: 'database-passwords', key: 'postgres' }],
      ['PATRONI_REPLICATION_PASSWORD', { name: 'database-passwords', key: 'replicator' }],
      ['PATRONI_REWIND_PASSWORD', { name: 'database-passwords', key: 'rewinder' }],
      ['PATRONI_RESTAPI_PASSWORD', { name: 'database-passwords', key: 'patroni-api' }],
      ['OWNER_PASSWORD', { name: 'database-passwords', key: 'owner' }],
    ])
  })

  test('gives each client the password of its own role only', () => {
    const keys = (service: string) =>
      PODS.filter(pod => pod.namespace === 'control' && pod.labels.service === service).flatMap(pod =>
        (pod.spec.volumes ?? []).flatMap(volume => volume.secret?.items?.map(item => item.key) ?? []),
      )

    expect(keys('recommender')).toEqual(['recommender'])
    expect(keys('migrate')).toEqual(['owner', 'recommender', 'ingest'])
    expect(keys('ingest')).toEqual(['ingest'])
    expect(keys('gateway')).toEqual([])
  })
})

describe('roles', () => {
  test('let nobody read Secrets, and nobody do anything cluster-wide but look at nodes', () => {
    type Rule = { resources: string[]; verbs: string[] }
    const rules = (kind: string) =>
      OBJECTS.filter(object => object.kind === kind).flatMap(object => object.rules as Rule[])

    expect(
      [...rules('Role'), ...rules('ClusterRole')].filter(rule => rule.resources.includes('secrets')),
    ).toEqual([])
    expect(rules('ClusterRole').map(({ resources, verbs }) => [resources, verbs])).toEqual([
      [['nodes/metrics'], ['get']],
      [['nodes'], ['list', 'watch']],
    ])
  })
})
