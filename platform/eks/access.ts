/** What it takes to reach a cluster of EKS. */
export type ClusterAddress = {
  readonly name: string
  readonly region: string
  /** URL of the API server. */
  readonly endpoint: string
  /** PEM in base64. */
  readonly certificateAuthority: string
}

/** Region of `arn:aws:SERVICE:REGION:ACCOUNT:...`. */
export function regionOf(arn: string): string {
  return arn.split(':')[3] ?? ''
}

/**
 * A kubeconfig whose context has the cluster's name. It holds no key: the AWS CLI makes a token for whoever uses it.
 *
 * @returns JSON, which is YAML as well
 */
export function kubeconfig({ name, region, endpoint, certificateAuthority }: ClusterAddress): string {
  const args = ['--region', region, 'eks', 'get-token', '--cluster-name', name, '--output', 'json']
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: endpoint, 'certificate-authority-data': certificateAuthority } }],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1beta1',
            interactiveMode: 'Never',
            command: 'aws',
            args,
          },
        },
      },
    ],
  })
}

/** Where the commands below keep the kubeconfig. */
const FILE = '~/.kube/divergence-eks.json'

/**
 * What to type next, from the folder of the program.
 *
 * @param registry `HOST/PATH`
 */
export function nextCommands(
  { name, region }: Pick<ClusterAddress, 'name' | 'region'>,
  registry: string,
): string {
  const [host] = registry.split('/')
  return [
    `mkdir -p ~/.kube && pulumi stack output kubeconfig --show-secrets > ${FILE}`,
    `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${host}`,
    `../../divergence up --context ${name} --kubeconfig ${FILE} --registry ${registry}`,
  ].join('\n')
}
