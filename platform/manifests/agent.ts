import type { V1Toleration } from '@kubernetes/client-node'
import {
  CHAOS_NAMESPACE,
  GROUPS,
  type Group,
  HALT_NAME,
  LABELS,
  OCCUPANT_SERVICE,
  SHARED_GROUP,
  SHARED_NAMESPACE,
} from '../topology.ts'
import { daemonSet } from './daemon-set.ts'
import type { RenderInput } from './input.ts'
import { chaosNamespace } from './namespaces.ts'
import { type KubernetesObject, managedLabels } from './object.ts'
import { env, envFromField, imageReference, resourceRequirements, scratch } from './pod.ts'
import { clusterWideRole, namespacedRole, serviceAccount } from './rbac.ts'

const SERVICE = 'agent'

/** The only group whose nodes an agent may be on, whose pods it may look at, and that it may change. */
const ATTACKED = 'experiment' satisfies Group

/** Where undos are written before their faults begin: on the node's own disk, so that they outlive the container. */
const STATE_FOLDER = '/var/lib/divergence-agent'
/** Where the agent's socket is: as soon as the pod is gone, so is the socket. */
const SOCKET_FOLDER = '/run/divergence'

/** Until an undo that is going on is done. */
const LEAVE_SECONDS = 30

/**
 * The agents, one on each node of the experimental group and none anywhere else. That is said four times over, each
 * without the others: the node selector, the taints of all other nodes, a policy of the API server that refuses a pod of
 * the agents' namespace that asks for another node, and the agent itself, which reads its node's label before it acts.
 */
export function agent(input: RenderInput): readonly KubernetesObject[] {
  return [
    chaosNamespace(),
    ...accounts(),
    ...nodesOfTheAgents(),
    ...whatAgentsMayChange(),
    ...priorityClasses(),
    agents(input),
  ]
}

function agents(input: RenderInput): KubernetesObject {
  const socket = scratch('socket', SOCKET_FOLDER, 1, 'Memory')
  const work = scratch('work', '/tmp', 64, 'Memory')
  return daemonSet(CHAOS_NAMESPACE, SERVICE, {
    pod: {
      serviceAccountName: SERVICE,
      automountServiceAccountToken: true,
      enableServiceLinks: false,
      nodeSelector: { [LABELS.group]: ATTACKED },
      tolerations: [onlyOn(ATTACKED)],
      // The node's processes are what it finds its targets among.
      hostPID: true,
      // A node that is full or out of memory gives up everything else first: this one has undos to do.
      priorityClassName: 'system-node-critical',
      terminationGracePeriodSeconds: LEAVE_SECONDS,
    },
    container: {
      image: imageReference(input.images, 'agent'),
      imagePullPolicy: 'IfNotPresent',
      terminationMessagePolicy: 'FallbackToLogsOnError',
      command: ['supervise'],
      workingDir: '/app',
      env: [
        envFromField('NODE_NAME', 'spec.nodeName'),
        env('STATE_FOLDER', STATE_FOLDER),
        env('SOCKET_PATH', `${SOCKET_FOLDER}/agent.sock`),
        env('ALIVE_PATH', `${SOCKET_FOLDER}/alive`),
      ],
      securityContext: {
        privileged: true,
        readOnlyRootFilesystem: true,
        runAsUser: 0,
        runAsGroup: 0,
      },
      resources: resourceRequirements(input.topology.shared[SERVICE]),
      readinessProbe: {
        exec: { command: ['test', '-S', `${SOCKET_FOLDER}/agent.sock`] },
        periodSeconds: 5,
        timeoutSeconds: 3,
      },
      volumeMounts: [{ name: 'state', mountPath: STATE_FOLDER }, socket.mount, work.mount],
    },
    volumes: [
      { name: 'state', hostPath: { path: STATE_FOLDER, type: 'DirectoryOrCreate' } },
      socket.volume,
      work.volume,
    ],
  })
}

function onlyOn(group: Group): V1Toleration {
  return { key: LABELS.group, operator: 'Equal', value: group, effect: 'NoSchedule' }
}

/** What it takes to find a target, and to undo faults that are done in the API. */
function accounts(): readonly KubernetesObject[] {
  const role = (namespace: string, rules: Parameters<typeof namespacedRole>[3]) =>
    namespacedRole(SHARED_GROUP, namespace, SERVICE, rules, CHAOS_NAMESPACE)
  return [
    serviceAccount(SHARED_GROUP, CHAOS_NAMESPACE, SERVICE),
    ...clusterWideRole(
      SERVICE,
      [
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          resourceNames: ['kubernetes'],
          verbs: ['get'],
        },
      ],
      CHAOS_NAMESPACE,
    ),
    ...role(ATTACKED, [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: ['apps'], resources: ['deployments/scale', 'statefulsets/scale'], verbs: ['patch'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['delete'] },
    ]),
    ...role(SHARED_NAMESPACE, [{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['delete'] }]),
    ...role(CHAOS_NAMESPACE, [
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['list', 'watch', 'delete'] },
      // Listed by its name: of all other ConfigMaps there it can read none.
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [HALT_NAME], verbs: ['list', 'watch'] },
    ]),
  ]
}

const ACCOUNT = `system:serviceaccount:${CHAOS_NAMESPACE}:${SERVICE}`

/**
 * Refused by the API server: in the agents' namespace, whatever shall run anywhere but on the experimental group's nodes.
 * An account is of one namespace, so that nothing outside it can run as an agent either.
 */
function nodesOfTheAgents(): readonly KubernetesObject[] {
  const others = GROUPS.filter(group => group !== ATTACKED).join(', ')
  const pod = `object.kind == 'Pod' ? object.spec : object.spec.template.spec`
  return policy('agent-nodes', {
    matchConstraints: {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': CHAOS_NAMESPACE } },
      resourceRules: [
        rule('', 'v1', ['pods'], ['CREATE', 'UPDATE']),
        rule(
          'apps',
          'v1',
          ['daemonsets', 'deployments', 'statefulsets', 'replicasets'],
          ['CREATE', 'UPDATE'],
        ),
        rule('batch', 'v1', ['jobs'], ['CREATE', 'UPDATE']),
      ],
    },
    variables: [{ name: 'pod', expression: pod }],
    validations: [
      {
        expression: `has(variables.pod.nodeSelector) && '${LABELS.group}' in variables.pod.nodeSelector && variables.pod.nodeSelector['${LABELS.group}'] == '${ATTACKED}'`,
        message: `what runs in namespace ${CHAOS_NAMESPACE} must select nodes of group ${ATTACKED}: none may be on those of ${others} or on shared ones`,
      },
      {
        expression: `!has(variables.pod.tolerations) || variables.pod.tolerations.all(each, has(each.key) && (each.key.startsWith('node.kubernetes.io/') || (each.key == '${LABELS.group}' && has(each.value) && each.value == '${ATTACKED}')))`,
        message: `what runs in namespace ${CHAOS_NAMESPACE} may tolerate no taint but that of group ${ATTACKED}`,
      },
    ],
  })
}

/** A role gives a verb on a whole kind of object. What an agent needs of it is far less: the rest is refused here. */
function whatAgentsMayChange(): readonly KubernetesObject[] {
  const isAgent = [{ name: 'is-an-agent', expression: `request.userInfo.username == '${ACCOUNT}'` }]
  const isAttacked = (labels: string) =>
    `has(${labels}) && '${LABELS.group}' in ${labels} && ${labels}['${LABELS.group}'] == '${ATTACKED}'`
  return [
    ...policy('agent-uncordons', {
      matchConstraints: { resourceRules: [rule('', 'v1', ['nodes'], ['UPDATE'])] },
      matchConditions: isAgent,
      validations: [
        {
          expression: isAttacked('oldObject.metadata.labels'),
          message: `an agent may change no node but those of group ${ATTACKED}`,
        },
        {
          expression: [
            '(!has(object.spec.unschedulable) || !object.spec.unschedulable)',
            'object.metadata.labels == oldObject.metadata.labels',
            sameOrAbsent('metadata.annotations'),
            sameOrAbsent('spec.taints'),
          ].join(' && '),
          message: 'an agent may do nothing to a node but uncordon it',
        },
      ],
    }),
    ...policy('agent-deletes', {
      matchConstraints: { resourceRules: [rule('apps', 'v1', ['deployments'], ['DELETE'])] },
      matchConditions: isAgent,
      validations: [
        {
          expression: `has(oldObject.metadata.labels) && '${LABELS.service}' in oldObject.metadata.labels && oldObject.metadata.labels['${LABELS.service}'] == '${OCCUPANT_SERVICE}'`,
          message: 'an agent may delete no Deployment but those that were made to take up room',
        },
      ],
    }),
  ]
}

function sameOrAbsent(field: string): string {
  const both = `has(object.${field}) && has(oldObject.${field}) && object.${field} == oldObject.${field}`
  return `((${both}) || (!has(object.${field}) && !has(oldObject.${field})))`
}

function rule(
  apiGroup: string,
  version: string,
  resources: readonly string[],
  operations: readonly string[],
) {
  return { apiGroups: [apiGroup], apiVersions: [version], operations, resources }
}

const ADMISSION = 'admissionregistration.k8s.io/v1'

function policy(name: string, spec: Readonly<Record<string, unknown>>): readonly KubernetesObject[] {
  const head = { name: `${LABELS.product}-${name}`, labels: managedLabels(SHARED_GROUP, SERVICE) }
  return [
    {
      apiVersion: ADMISSION,
      kind: 'ValidatingAdmissionPolicy',
      metadata: head,
      spec: { failurePolicy: 'Fail', ...spec },
    },
    {
      apiVersion: ADMISSION,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: head,
      spec: { policyName: head.name, validationActions: ['Deny'] },
    },
  ]
}

/** Of pods that only take up room: below what runs without a priority (0), and above it, so that they push it out. */
function priorityClasses(): readonly KubernetesObject[] {
  const priorityClass = (name: string, value: number): KubernetesObject => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: `${LABELS.product}-${name}`, labels: managedLabels(SHARED_GROUP, SERVICE) },
    value,
    globalDefault: false,
    description: 'Pods that take up room while an experiment oversubscribes the cluster.',
  })
  return [priorityClass('low', -1000), priorityClass('high', 1000)]
}
