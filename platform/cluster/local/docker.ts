import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

/** A file of a build context: `text`, or a copy of the file at `from` (hard-linked where possible). */
export type ContextFile = {
  readonly path: string
  readonly mode?: number
} & ({ readonly text: string } | { readonly from: string })

export type BuildRequest = {
  readonly tag: string
  readonly dockerfile: string
  readonly files: readonly ContextFile[]
  readonly buildArguments?: Readonly<Record<string, string>>
}

/** Named without a value, the client takes them from its own environment, or leaves them out. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']

/**
 * Builds an image with the builder that every Docker engine has, on the machine's own network (the machine's
 * package proxies and name servers may be reachable from nowhere else).
 *
 * @param progress gets each `Step` line of the build
 */
export async function buildImage(
  request: BuildRequest,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'divergence-build-'))
  try {
    await writeFile(join(folder, 'Dockerfile'), request.dockerfile)
    for (const file of request.files) {
      const path = join(folder, file.path)
      await mkdir(dirname(path), { recursive: true })
      if ('text' in file) await writeFile(path, file.text, { mode: file.mode ?? 0o644 })
      else await run('cp', ['--reflink=auto', file.from, path], { signal })
    }
    const buildArguments = Object.entries(request.buildArguments ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    )
    await docker(
      [
        'build',
        '--network=host',
        '--force-rm',
        `--label=${LAB_LABEL}`,
        `--tag=${request.tag}`,
        ...[...PROXY_VARIABLES, ...buildArguments].flatMap(each => ['--build-arg', each]),
        folder,
      ],
      {
        signal,
        environment: { DOCKER_BUILDKIT: '0' },
        hint: 'The lines above say which step failed; package servers must be reachable for the first build.',
        onLine: line => {
          if (/^Step \d+/.test(line)) progress(`${request.tag}: ${line.slice(0, 100)}`)
        },
      },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
