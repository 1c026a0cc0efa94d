import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import grpc from '@grpc/grpc-js'
import engineService from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import type { LogRequest, SetRootResourceRequest } from '@pulumi/pulumi/proto/engine_pb.js'
import engineMessages from '@pulumi/pulumi/proto/engine_pb.js'
import resourceService from '@pulumi/pulumi/proto/resource_grpc_pb.js'
import type {
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
  ResourceInvokeRequest,
  SupportsFeatureRequest,
} from '@pulumi/pulumi/proto/resource_pb.js'
import resourceMessages from '@pulumi/pulumi/proto/resource_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import struct, { type JavaScriptValue } from 'google-protobuf/google/protobuf/struct_pb.js'
import { answerTo, madeUp } from './aws-fixture.ts'

/** Features of an engine that the program makes use of. */
const FEATURES = ['secrets', 'resourceReferences']

/** Log messages from here on are errors (`LogSeverity`). */
const ERROR_SEVERITY = 3

type Values = { readonly [key: string]: JavaScriptValue }

type Unary<Request, Response> = (
  call: { readonly request: Request },
  done: (error: Error | null, response?: Response) => void,
) => void

export type EngineRun = {
  /** Of Pulumi's runner. */
  readonly exitCode: number
  /** `TYPE NAME` of what was registered, in no order to rely on. */
  readonly registered: readonly string[]
  readonly outputs: Values
  readonly errors: readonly string[]
}

/**
 * An engine that makes nothing, behind the same gRPC services by which `pulumi up` talks with a program. It starts the
 * program with the runner of the package `@pulumi/pulumi`, as the command line does for `runtime: nodejs`.
 *
 * @param config settings as `pulumi config set` keeps them
 */
export async function runWithEngine(config: Readonly<Record<string, string>>): Promise<EngineRun> {
  const engine = new Engine()
  const server = new grpc.Server()
  server.addService(resourceService.ResourceMonitorService, engine.monitor)
  server.addService(engineService.EngineService, engine.log)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  try {
    const exitCode = await runProgram(`127.0.0.1:${port}`, config)
    return { exitCode, registered: engine.registered, outputs: engine.outputs, errors: engine.errors }
  } finally {
    server.forceShutdown()
  }
}

async function runProgram(address: string, config: Readonly<Record<string, string>>): Promise<number> {
  const runner = createRequire(import.meta.url).resolve('@pulumi/pulumi/cmd/run/index.js')
  const settings = Object.entries(config).map(([key, value]) => [`divergence-eks:${key}`, value])
  const flags = ['--project=divergence-eks', '--stack=test', `--monitor=${address}`, `--engine=${address}`]
  const child = spawn(process.execPath, [runner, ...flags, `--pwd=${import.meta.dirname}`, '.'], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(settings)),
      PULUMI_NODEJS_TYPESCRIPT: 'false',
    },
  })
  const [code] = await once(child, 'exit')
  return code
}

class Engine {
  readonly registered: string[] = []
  readonly errors: string[] = []
  outputs: Values = {}
  readonly #states = new Map<string, Values>()
  #root = ''

  readonly monitor = {
    supportsFeature: (({ request }, done) => {
      const answer = new resourceMessages.SupportsFeatureResponse()
      done(null, answer.setHassupport(FEATURES.includes(request.getId())))
    }) satisfies Unary<SupportsFeatureRequest, unknown>,
    invoke: (({ request }, done) => {
      const urn = request.getArgs()?.toJavaScript().urn
      const state = this.#states.get(String(urn))
      const answer = state === undefined ? answerTo(request.getTok()) : { urn: String(urn), id: '', state }
      done(null, new resourceMessages.ResourceInvokeResponse().setReturn(structOf(answer)))
    }) satisfies Unary<ResourceInvokeRequest, unknown>,
    registerResource: (({ request }, done) => {
      const [type, name] = [request.getType(), request.getName()]
      this.registered.push(`${type} ${name}`)
      const inputs = request.getObject()?.toJavaScript() ?? {}
      const state = { ...inputs, ...madeUp(type, name, inputs) }
      const urn = `urn:pulumi:test::divergence-eks::${type}::${name}`
      this.#states.set(urn, state)
      const answer = new resourceMessages.RegisterResourceResponse()
      done(
        null,
        answer
          .setUrn(urn)
          .setId(request.getCustom() ? `${name}-id` : '')
          .setObject(structOf(state)),
      )
    }) satisfies Unary<RegisterResourceRequest, unknown>,
    registerResourceOutputs: (({ request }, done) => {
      this.outputs = request.getOutputs()?.toJavaScript() ?? {}
      done(null, new empty.Empty())
    }) satisfies Unary<RegisterResourceOutputsRequest, unknown>,
    signalAndWaitForShutdown: ((_, done) => done(null, new empty.Empty())) satisfies Unary<unknown, unknown>,
  }

  readonly log = {
    log: (({ request }, done) => {
      if (request.getSeverity() >= ERROR_SEVERITY) this.errors.push(request.getMessage())
      done(null, new empty.Empty())
    }) satisfies Unary<LogRequest, unknown>,
    getRootResource: ((_, done) =>
      done(null, new engineMessages.GetRootResourceResponse().setUrn(this.#root))) satisfies Unary<
      unknown,
      unknown
    >,
    setRootResource: (({ request }, done) => {
      this.#root = request.getUrn()
      done(null, new engineMessages.SetRootResourceResponse())
    }) satisfies Unary<SetRootResourceRequest, unknown>,
  }
}

function structOf(value: Values) {
  return struct.Struct.fromJavaScript({ ...value })
}
