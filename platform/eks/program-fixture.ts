import * as pulumi from '@pulumi/pulumi'
import { answerTo, madeUp } from './aws-fixture.ts'

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
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`divergence-eks:${key}`, value])),
  )
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        resources.push({ type, name, inputs })
        return { id: `${name}-id`, state: { ...inputs, ...madeUp(type, name, inputs) } }
      },
      call: ({ token }) => answerTo(token),
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

async function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise(resolve => {
    output.apply(resolve)
  })
}
