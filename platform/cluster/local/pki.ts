import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { API_SERVICE_ADDRESS, CONTROL_PLANE, type NodePlan } from './plan.ts'
import { run } from './shell.ts'

/** Ten years: nothing of a lab lives that long, and nothing has to be renewed. */
const VALID_DAYS = '3650'

/** One certificate to issue. `subject` in openssl's form; the organisation is the Kubernetes group. */
export type CertificateRequest = {
  /** Names its files: `<name>.crt` and `<name>.key`. */
  readonly name: string
  readonly subject: string
  /** Subject alternative names of a server, in openssl's form. */
  readonly names?: readonly string[]
}

/** Every certificate of the cluster. The kubelets' are last, one a node, named `kubelet-<node>`. */
export function certificateRequests(nodes: readonly NodePlan[]): readonly CertificateRequest[] {
  return [
    {
      name: 'api-server',
      subject: '/CN=kube-apiserver',
      names: [
        'DNS:kubernetes',
        'DNS:kubernetes.default',
        'DNS:kubernetes.default.svc',
        'DNS:kubernetes.default.svc.cluster.local',
        'DNS:localhost',
        'IP:127.0.0.1',
        `IP:${API_SERVICE_ADDRESS}`,
        `IP:${CONTROL_PLANE.address}`,
      ],
    },
    { name: 'admin', subject: '/O=system:masters/CN=divergence-admin' },
    { name: 'kubelet-client', subject: '/O=system:masters/CN=kube-apiserver-kubelet-client' },
    { name: 'front-proxy-client', subject: '/CN=front-proxy-client' },
    { name: 'controller-manager', subject: '/CN=system:kube-controller-manager' },
    { name: 'scheduler', subject: '/CN=system:kube-scheduler' },
    { name: 'kube-proxy', subject: '/CN=system:kube-proxy' },
    {
      name: 'metrics-server',
      subject: '/CN=metrics-server',
      names: ['DNS:metrics-server.kube-system.svc'],
    },
    ...nodes.map(node => ({
      name: `kubelet-${node.name}`,
      subject: `/O=system:nodes/CN=system:node:${node.name}`,
      names: [`DNS:${node.name}`, `IP:${node.address}`],
    })),
  ]
}

/** The cluster's keys and certificates on disk. */
export type Pki = {
  /** Changes when the keys are made anew: machines that carry the old ones are of no use then. */
  readonly fingerprint: string
  read(file: string): Promise<string>
}

/** Which certificates a folder was made for; other nodes need others. */
const REQUESTS_FILE = 'requests.json'

/** Makes the keys and certificates once for the nodes; they are there whole or not at all. */
export async function ensurePki(
  folder: string,
  nodes: readonly NodePlan[],
  signal: AbortSignal,
): Promise<Pki> {
  const requests = JSON.stringify(certificateRequests(nodes))
  const made = await readFile(join(folder, REQUESTS_FILE), 'utf8').catch(() => undefined)
  if (made !== requests) {
    const unfinished = `${folder}.unfinished`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true, mode: 0o700 })
    await issueAll(unfinished, nodes, signal)
    await writeFile(join(unfinished, REQUESTS_FILE), requests)
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  }
  const authority = await readFile(join(folder, 'ca.crt'), 'utf8')
  return {
    fingerprint: createHash('sha256').update(authority).digest('hex').slice(0, 12),
    read: file => readFile(join(folder, file), 'utf8'),
  }
}

async function issueAll(folder: string, nodes: readonly NodePlan[], signal: AbortSignal): Promise<void> {
  const options = { folder, signal, hint: 'openssl 3 or later is needed: install the package openssl.' }
  const openssl = (args: readonly string[]) => run('openssl', args, options)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', VALID_DAYS]
  await openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'service-accounts.key'])
  await openssl(['req', '-x509', ...newKey, '-subj', '/CN=divergence', '-keyout', 'ca.key', '-out', 'ca.crt'])
  // openssl would otherwise add the machine's own defaults, among them "this is an authority".
  await writeFile(join(folder, 'leaf.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n')
  await Promise.all(
    certificateRequests(nodes).map(({ name, subject, names }) =>
      openssl([
        ...['req', '-x509', '-config', 'leaf.cnf', '-CA', 'ca.crt', '-CAkey', 'ca.key', ...newKey],
        ...['-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.crt`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-addext', 'keyUsage=critical,digitalSignature'],
        ...['-addext', `extendedKeyUsage=clientAuth${names ? ',serverAuth' : ''}`],
        ...(names ? ['-addext', `subjectAltName=${names.join(',')}`] : []),
      ]),
    ),
  )
  await rm(join(folder, 'leaf.cnf'))
}

/** A kubeconfig with everything in it. */
export function kubeconfig(
  server: string,
  user: { readonly name: string; readonly certificate: string; readonly key: string },
  authority: string,
): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'divergence', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [
      {
        name: user.name,
        user: { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'divergence', context: { cluster: 'divergence', user: user.name } }],
    'current-context': 'divergence',
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
