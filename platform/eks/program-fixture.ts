import * as pulumi from '@pulumi/pulumi'

/** A resource as the program registers it with the engine. */
export type Registered = {
  /** `aws:ec2/vpc:Vpc` */
  readonly type: string
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: inputs of any kind of resource, as they go over the wire
  readonly inputs: any
}

export type Program = {
  readonly resources: readonly Registered[]
  readonly outputs: Readonly<Record<string, unknown>>
}

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'

/** Not in order of their names, as AWS does not promise any. */
const ZONE_NAMES = ['eu-central-1b', 'eu-central-1a', 'eu-central-1c']

/**
 * Runs the whole program with an engine that makes nothing: every resource is registered with the packages that Pulumi
 * runs, and gets outputs such as AWS would give it.
 *
 * @param config settings as `pulumi config set` keeps them
 */
export async function runProgram(
  config: Readonly<Record<string, string>>,
  start: () => Promise<Record<string, pulumi.Output<unknown>>>,
): Promise<Program> {
  const resources: Registered[] = []
  const questions: Record<string, Record<string, unknown>> = {
    'aws:index/getAvailabilityZones:getAvailabilityZones': { names: ZONE_NAMES },
    'aws:index/getRegion:getRegion': { region: REGION },
  }
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`divergence-eks:${key}`, value])),
  )
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        resources.push({ type, name, inputs })
        return { id: `${name}-id`, state: { ...inputs, ...madeUp(type, name, inputs) } }
      },
      call({ token }) {
        const answer = questions[token]
        if (answer === undefined) throw new Error(`the program asks ${token}, which nobody answers here`)
        return answer
      },
    },
    'divergence-eks',
    'test',
  )
  const outputs = await start()
  const values = await Promise.all(
    Object.entries(outputs).map(async ([name, output]) => [name, await known(output)] as const),
  )
  // Outputs are known before everything that hangs on nothing is registered.
  await pulumi.runtime.disconnect()
  // They are registered as soon as what they need is known, which is not in an order to rely on.
  resources.sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`))
  return { resources, outputs: Object.fromEntries(values) }
}

export async function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise(resolve => {
    output.apply(resolve)
  })
}

/** Outputs that AWS makes and the program reads. */
function madeUp(
  type: string,
  name: string,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const arn = `arn:aws:${type.split(':')[1]?.split('/')[0]}:${REGION}:${ACCOUNT}:${name}`
  switch (type) {
    case 'aws:ec2/launchTemplate:LaunchTemplate':
      return { arn, latestVersion: 7 }
    case 'aws:ecr/repository:Repository':
      return { arn, repositoryUrl: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/${inputs.name}` }
    case 'eks:index:Cluster':
      return {
        kubeconfigJson: '{"kind":"Config"}',
        eksCluster: {
          name: inputs.name,
          arn: `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/${inputs.name}`,
          endpoint: 'https://ABC.gr7.eu-central-1.eks.amazonaws.com',
          certificateAuthority: { data: 'UEVN' },
        },
      }
    default:
      return { arn }
  }
}
