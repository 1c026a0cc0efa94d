import type { Progress } from '../cluster.ts'
import { type CommandOptions, run, tryRun } from './shell.ts'

/** Docker label on every container, network, volume and image of the lab: nothing without it is ever touched. */
export const LAB_LABEL = 'divergence=lab'

/** Runs the Docker client; see `run`. */
export function docker(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return run('docker', args, options)
}

export async function imageExists(tag: string, signal?: AbortSignal): Promise<boolean> {
  const options = signal === undefined ? {} : { signal }
  return (await tryRun('docker', ['image', 'inspect', '--format', '{{.Id}}', tag], options)) !== undefined
}

export type BuildRequest = {
  readonly tag: string
  /** Holds the Dockerfile and all that it copies. */
  readonly folder: string
  readonly buildArguments: Readonly<Record<string, string>>
}

/** Docker knows these by itself and keeps them out of the image. Named without a value they are this process's own. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']

/**
 * Builds an image with the one builder that every Docker engine has.
 *
 * @param progress gets each step that takes time
 * @param runCommand a test passes its own
 */
export async function buildImage(
  { tag, folder, buildArguments }: BuildRequest,
  progress: Progress,
  signal: AbortSignal,
  runCommand: typeof run = run,
): Promise<void> {
  const named = Object.entries(buildArguments).map(([name, value]) => `${name}=${value}`)
  await runCommand(
    'docker',
    [
      'build',
      // Package proxies and name servers of this machine may be reachable from nowhere else.
      '--network=host',
      '--force-rm',
      `--label=${LAB_LABEL}`,
      `--tag=${tag}`,
      ...[...PROXY_VARIABLES, ...named].flatMap(each => ['--build-arg', each]),
      folder,
    ],
    {
      signal,
      environment: { DOCKER_BUILDKIT: '0' },
      hint: 'The lines above say which step failed; package servers must be reachable for the first build.',
      onLine: line => {
        const [, number, count, instruction = ''] = /^Step (\d+)\/(\d+) : (.*)$/.exec(line) ?? []
        if (/^(RUN|COPY) /.test(instruction))
          progress(`step ${number} of ${count}, ${instruction.slice(0, 90)}`)
      },
    },
  )
}
