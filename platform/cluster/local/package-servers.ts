import { homedir } from 'node:os'
import { env } from 'node:process'
import { EnvHttpProxyAgent, fetch } from 'undici'
import { type MachineSettings, machineSettings } from '../../images/machine.ts'
import type { Check } from '../cluster.ts'
import { hasCommand } from './engine.ts'
import { tryRun } from './shell.ts'

/*
 * Whether this machine reaches what the first start fetches from, each by the settings that the builds are given as well.
 * Addresses are not told: those of a mirror may have a password in them.
 */

const ASK_LIMIT_MS = 8_000

const PYPI = 'https://pypi.org/simple'
const MAVEN_CENTRAL = 'https://repo.maven.apache.org/maven2'
const MAVEN_PLUGIN =
  'org/apache/maven/plugins/maven-dependency-plugin/3.6.1/maven-dependency-plugin-3.6.1.pom'

/** @param needed whether some image has still to be built */
export async function packageServerChecks(needed: boolean): Promise<readonly Check[]> {
  if (!needed) {
    const detail = 'not needed: the images are there'
    return ['Debian packages', 'Python packages', 'Java packages'].map(check => ({
      check,
      ok: true,
      detail,
      hint: '',
    }))
  }
  const settings = await machineSettings(env, homedir())
  return Promise.all([debianCheck(), pythonCheck(settings), javaCheck(settings)])
}

async function debianCheck(): Promise<Check> {
  const url = 'http://deb.debian.org/debian/dists/bookworm/Release'
  // apt's own tool goes the way apt goes, through whatever proxy it is told to use.
  const helper = '/usr/lib/apt/apt-helper'
  const ok = (await hasCommand(helper))
    ? (await tryRun(helper, ['download-file', url, '/dev/null'], { timeoutMs: ASK_LIMIT_MS })) !== undefined
    : (await statusOf(url, undefined)) === 200
  const hint = 'The first start fetches packages: see whether apt-get update works, and which proxy it needs.'
  return { check: 'Debian packages', ok, detail: ok ? 'reachable' : 'not reachable', hint }
}

export async function pythonCheck(settings: MachineSettings): Promise<Check> {
  const status = await statusOf(`${pipIndex(settings)}/pyspark/`, settings)
  const hint =
    'The first start fetches Python packages: name an index that can be reached (pip config set global.index-url URL), or the proxy that this machine needs (HTTPS_PROXY).'
  return answered('Python packages', status, status === 200, hint)
}

async function javaCheck(settings: MachineSettings): Promise<Check> {
  const status = await statusOf(`${mavenRepository(settings.maven, env)}/${MAVEN_PLUGIN}`, settings)
  // Maven has its passwords apart from the address.
  const ok = status === 200 || (status === 401 && settings.maven.includes('<server>'))
  const hint =
    'The first start fetches Java packages: name a mirror that can be reached in ~/.m2/settings.xml, or the proxy that this machine needs (HTTPS_PROXY).'
  return answered('Java packages', status, ok, hint)
}

function answered(check: string, status: number | undefined, ok: boolean, hint: string): Check {
  const not = status === undefined ? 'not reachable' : `the server says ${status}`
  return { check, ok, detail: ok ? 'reachable' : not, hint }
}

/** Index that pip fetches from, without a slash at its end. */
export function pipIndex({ environment }: Pick<MachineSettings, 'environment'>): string {
  return (environment.PIP_INDEX_URL ?? PYPI).replace(/\/+$/, '')
}

/**
 * Repository that Maven fetches from in place of its own, without a slash at its end.
 *
 * @param settings text of settings.xml; empty when there is none
 */
export function mavenRepository(
  settings: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const mirrors = settings.replace(/<!--[\s\S]*?-->/g, '').matchAll(/<mirror>([\s\S]*?)<\/mirror>/g)
  for (const [, mirror = ''] of mirrors) {
    const inside = (tag: string) => new RegExp(`<${tag}>\\s*([^<]*?)\\s*</${tag}>`).exec(mirror)?.[1] ?? ''
    const of = inside('mirrorOf').split(',')
    const takesCentral =
      ['*', 'external:*', 'central'].some(each => of.includes(each)) && !of.includes('!central')
    if (!takesCentral) continue
    return inside('url')
      .replaceAll('&amp;', '&')
      .replace(/\$\{env\.([^}]+)\}/g, (_, name: string) => environment[name] ?? '')
      .replace(/\/+$/, '')
  }
  return MAVEN_CENTRAL
}

/** Status of the answer to a GET; undefined where nobody answers. */
async function statusOf(url: string, settings: MachineSettings | undefined): Promise<number | undefined> {
  try {
    const { username, password, origin, pathname, search, hostname } = new URL(url)
    const trusted = settings?.environment.PIP_TRUSTED_HOST?.split(/\s+/) ?? []
    const ca = settings?.authorities
    const tls = { ...(ca ? { ca } : {}), rejectUnauthorized: !trusted.includes(hostname) }
    const dispatcher = new EnvHttpProxyAgent({ connect: tls, requestTls: tls, proxyTls: ca ? { ca } : {} })
    const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    const authorization = `Basic ${Buffer.from(secret).toString('base64')}`
    try {
      const { status, body } = await fetch(`${origin}${pathname}${search}`, {
        dispatcher,
        signal: AbortSignal.timeout(ASK_LIMIT_MS),
        ...(username === '' ? {} : { headers: { authorization } }),
      })
      await body?.cancel()
      return status
    } finally {
      await dispatcher.destroy()
    }
  } catch {
    // No address, no route, no trust: all the same to who needs the packages.
    return undefined
  }
}
