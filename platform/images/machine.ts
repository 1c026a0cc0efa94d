import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ContextPart, textFile } from './context.ts'

/** How this machine reaches package registries, for the stages of a build that fetch. It is never in an image that runs. */
export type MachineSettings = {
  /** PEM text of all certificate authorities this machine trusts; empty when none was found. */
  readonly authorities: string
  /** Environment of pip and of what speaks HTTP. */
  readonly environment: Readonly<Record<string, string>>
  /** Maven's settings of this user, which may name a mirror; empty when there are none. */
  readonly maven: string
}

/** Folder of a build context in which the Dockerfile finds them. */
const MACHINE_FOLDER = 'machine'

/** Where systems keep the bundle of all authorities they trust. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
]

/** Variables by which programs are told of another bundle. */
const BUNDLE_VARIABLES = [
  'SSL_CERT_FILE',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
]

/** pip's settings that say where packages come from; all others are about other work of this machine's owner. */
const PIP_OPTIONS = ['index-url', 'extra-index-url', 'trusted-host', 'proxy', 'timeout', 'retries']

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']

/**
 * Reads them as pip would: global file, the user's files, then the environment, later ones win.
 *
 * @param home the user's home folder
 */
export async function machineSettings(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<MachineSettings> {
  const configFiles = [
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'pip', 'pip.conf'),
    environment.PIP_CONFIG_FILE,
  ]
  const configs = (await Promise.all(configFiles.map(textOf))).map(pipOptions)
  const options = Object.assign({}, ...configs) as Record<string, string>
  const bundles = [...SYSTEM_BUNDLES, options.cert, ...BUNDLE_VARIABLES.map(name => environment[name])]
  const texts = await Promise.all([...new Set(bundles)].map(textOf))
  const pip = PIP_OPTIONS.map(option => {
    const variable = `PIP_${option.toUpperCase().replaceAll('-', '_')}`
    return [variable, environment[variable] ?? options[option]] as const
  })
  const maven = await textOf(join(home, '.m2', 'settings.xml'))
  const wanted = [...pip, ...PROXY_VARIABLES.map(name => [name, environment[name]] as const)]
  return {
    authorities: [...new Set(texts)].filter(text => text !== '').join('\n'),
    maven,
    environment: Object.fromEntries(wanted.filter((entry): entry is readonly [string, string] => !!entry[1])),
  }
}

/** Options of pip.conf's sections `global` and `install`; a value may go on over indented lines. */
export function pipOptions(text: string): Readonly<Record<string, string>> {
  const options: Record<string, string> = {}
  let section = ''
  let option = ''
  for (const line of text.split(/\r?\n/)) {
    const [, heading] = /^\[(.+)\]\s*$/.exec(line) ?? []
    const [, name, value] = /^([A-Za-z][\w-]*)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (/^\s*([#;]|$)/.test(line)) continue
    if (heading !== undefined) section = heading
    else if (section !== 'global' && section !== 'install') continue
    else if (name !== undefined) {
      option = name.toLowerCase().replaceAll('_', '-')
      options[option] = value?.trim() ?? ''
    } else if (/^\s/.test(line)) options[option] = `${options[option] ?? ''} ${line.trim()}`.trim()
  }
  return options
}

/** The settings as files: `authorities.crt`, `environment` to be read by a shell, and Maven's `settings.xml` if any. */
export function machineParts({ authorities, environment, maven }: MachineSettings): readonly ContextPart[] {
  const bundle = `/${MACHINE_FOLDER}/authorities.crt`
  const all = authorities === '' ? environment : { ...environment, PIP_CERT: bundle, SSL_CERT_FILE: bundle }
  const lines = Object.entries(all).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`,
  )
  return [
    textFile(`${MACHINE_FOLDER}/authorities.crt`, authorities),
    textFile(`${MACHINE_FOLDER}/environment`, lines.join('')),
    ...(maven === '' ? [] : [textFile(`${MACHINE_FOLDER}/settings.xml`, maven)]),
  ]
}

/** Text of a file, empty when there is none: most of these files are on few machines. */
async function textOf(path: string | undefined): Promise<string> {
  if (path === undefined) return ''
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
