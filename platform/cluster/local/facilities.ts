import { LABELS } from '../../topology.ts'
import { DNS_SERVICE_ADDRESS, type NodePlan, ZONAL_DISK } from './plan.ts'

const NAMESPACE = 'kube-system'
const CLUSTER_LABELS = { [LABELS.partOf]: LABELS.product }
/** Not a privileged port: the program runs as nobody. */
const DNS_PORT = 1053
const METRICS_PORT = 10250

const HARDENED = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

export type KubernetesManifest = { readonly apiVersion: string; readonly kind: string } & Readonly<
  Record<string, unknown>
>

/** A server's certificate, PEM, and the authority it is checked by. */
export type ServerCertificate = {
  readonly certificate: string
  readonly key: string
  readonly authority: string
}

/** What every cluster offers besides nodes: names, resource usage, disks. */
export function facilityManifests(
  kubeImage: string,
  metricsCertificate: ServerCertificate,
  nodes: readonly NodePlan[],
): readonly KubernetesManifest[] {
  return [...dns(kubeImage), ...metricsServer(kubeImage, metricsCertificate), ...disks(nodes)]
}

/**
 * CoreDNS on every node, and each node asks its own: a name is answered in a zone as long as the zone lives.
 * It has no cache, so that an endpoint that is gone is gone from the next answer.
 */
function dns(image: string): readonly KubernetesManifest[] {
  const name = 'coredns'
  const corefile = `.:${DNS_PORT} {
  errors
  health
  ready
  kubernetes cluster.local in-addr.arpa {
    ttl 1
  }
  prometheus :9153
  loadbalance
}
`
  const labels = {
    'k8s-app': 'kube-dns',
    [LABELS.service]: 'dns',
    [LABELS.group]: 'system',
    ...CLUSTER_LABELS,
  }
  return [
    ...account(name, [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ]),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(name), data: { Corefile: corefile } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: meta(name, labels),
      spec: {
        selector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            priorityClassName: 'system-node-critical',
            dnsPolicy: 'Default',
            tolerations: [{ operator: 'Exists' }],
            terminationGracePeriodSeconds: 5,
            containers: [
              {
                name,
                image,
                args: ['coredns', '-conf', '/etc/coredns/Corefile'],
                readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
                livenessProbe: { httpGet: { path: '/health', port: 8080 }, initialDelaySeconds: 30 },
                resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '192Mi' } },
                securityContext: HARDENED,
                volumeMounts: [{ name: 'configuration', mountPath: '/etc/coredns', readOnly: true }],
              },
            ],
            volumes: [{ name: 'configuration', configMap: { name } }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('kube-dns'),
      spec: {
        clusterIP: DNS_SERVICE_ADDRESS,
        internalTrafficPolicy: 'Local',
        selector: { 'k8s-app': 'kube-dns' },
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: DNS_PORT },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: DNS_PORT },
        ],
      },
    },
  ]
}

function metricsServer(image: string, certificate: ServerCertificate): readonly KubernetesManifest[] {
  const name = 'metrics-server'
  const labels = { 'k8s-app': name, [LABELS.service]: name, [LABELS.group]: 'system', ...CLUSTER_LABELS }
  const delegated = (kind: string, role: string) => ({
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  })
  return [
    ...account(name, [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ]),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `${name}:auth-delegator`, labels: CLUSTER_LABELS },
      ...delegated('ClusterRole', 'system:auth-delegator'),
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: meta(`${name}-auth-reader`),
      ...delegated('Role', 'extension-apiserver-authentication-reader'),
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: meta(name),
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate.certificate, 'tls.key': certificate.key },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: meta(name, labels),
      spec: {
        strategy: { rollingUpdate: { maxUnavailable: 0 } },
        selector: { matchLabels: { 'k8s-app': name } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            priorityClassName: 'system-cluster-critical',
            nodeSelector: { [LABELS.group]: 'system' },
            containers: [
              {
                name,
                image,
                args: [
                  'metrics-server',
                  `--secure-port=${METRICS_PORT}`,
                  '--tls-cert-file=/certificate/tls.crt',
                  '--tls-private-key-file=/certificate/tls.key',
                  // The cluster's one authority signed the kubelets' certificates too.
                  '--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
                  '--metric-resolution=10s',
                  '--kubelet-request-timeout=5s',
                ],
                readinessProbe: {
                  httpGet: { path: '/readyz', port: METRICS_PORT, scheme: 'HTTPS' },
                  periodSeconds: 2,
                },
                resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
                securityContext: HARDENED,
                volumeMounts: [{ name: 'certificate', mountPath: '/certificate', readOnly: true }],
              },
            ],
            volumes: [{ name: 'certificate', secret: { secretName: name } }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(name),
      spec: { selector: { 'k8s-app': name }, ports: [{ port: 443, targetPort: METRICS_PORT }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io', labels: CLUSTER_LABELS },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: Buffer.from(certificate.authority).toString('base64'),
        service: { name, namespace: NAMESPACE },
      },
    },
  ]
}

/** One disk a node, in the node's own folder: it stays when the node's power is cut, and moves nowhere else. */
function disks(nodes: readonly NodePlan[]): readonly KubernetesManifest[] {
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: ZONAL_DISK.storageClassName, labels: CLUSTER_LABELS },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  }
  return [storageClass, ...nodes.map(diskOf)]
}

export function diskName(node: string): string {
  return `disk-${node}`
}

function diskOf(node: NodePlan): KubernetesManifest {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: diskName(node.name), labels: { ...node.labels, ...CLUSTER_LABELS } },
    spec: {
      capacity: { storage: `${ZONAL_DISK.sizeGiB}Gi` },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: ZONAL_DISK.storageClassName,
      local: { path: ZONAL_DISK.path },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node.name] }] },
          ],
        },
      },
    },
  }
}

function account(name: string, rules: readonly unknown[]): readonly KubernetesManifest[] {
  const role = `system:${name}`
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta(name) },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: role, labels: CLUSTER_LABELS },
      rules,
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: role, labels: CLUSTER_LABELS },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
    },
  ]
}

function meta(name: string, labels: Readonly<Record<string, string>> = CLUSTER_LABELS) {
  return { name, namespace: NAMESPACE, labels }
}
