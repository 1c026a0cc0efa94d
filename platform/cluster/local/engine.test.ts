import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, kill } from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'

const runFile = promisify(execFile)

/** Programs of a pretended machine: an engine answers when the file `running` is there. */
const PROGRAMS = {
  docker: '[ -e "$ROOM/running" ] && echo 99.1 && exit; echo "$SILENCE" >&2; exit 1',
  dockerd: 'echo "dockerd $*" >>"$ROOM/called"; touch "$ROOM/running"; exec sleep 60',
  systemctl: 'echo "systemctl $*" >>"$ROOM/called"; touch "$ROOM/running"',
  'apt-get': `echo "apt-get $*" >>"$ROOM/called"
    case "$*" in *docker.io*) cp "$ROOM/dockerd" "$ROOM/programs/dockerd" ;; esac`,
  id: 'echo "$USER_ID"',
}
type Program = keyof typeof PROGRAMS

// A dozen processes a test: seconds on a busy machine.
jest.setTimeout(60_000)

let room: string

beforeEach(async () => {
  room = await mkdtemp(join(tmpdir(), 'divergence-engine-'))
  await mkdir(join(room, 'programs'))
  for (const program of Object.keys(PROGRAMS) as Program[]) await install(program, join(room, 'programs'))
  await install('dockerd', room)
})

afterEach(async () => {
  const pid = Number(await readFile(join(room, 'state', 'dockerd.pid'), 'utf8').catch(() => '0'))
  if (pid > 0) kill(pid)
  await rm(room, { recursive: true, force: true })
})

async function install(program: Program, folder: string): Promise<void> {
  await writeFile(join(folder, program), `#!/bin/sh\n${PROGRAMS[program]}\n`)
  await chmod(join(folder, program), 0o755)
}

/** Runs `ensureEngine` in a process of its own that finds only the pretended programs. */
async function ensure(environment: Readonly<Record<string, string>> = {}) {
  const script = `import { ensureEngine } from ${JSON.stringify(join(import.meta.dirname, 'engine.ts'))}
    const folders = { cache: process.env.ROOM + '/cache', state: process.env.ROOM + '/state' }
    const error = await ensureEngine(folders, () => {}, new AbortController().signal).catch(error => error)
    console.log(JSON.stringify({ code: error?.code, hint: error?.hint }))`
  const { stdout } = await runFile(execPath, ['--input-type=module', '--eval', script], {
    env: {
      PATH: `${join(room, 'programs')}:/usr/bin:/bin`,
      ROOM: room,
      USER_ID: '0',
      SILENCE: 'Cannot connect to the Docker daemon',
      ...environment,
    },
  })
  const called = await readFile(join(room, 'called'), 'utf8').catch(() => '')
  return { ...(JSON.parse(stdout) as { code?: string; hint?: string }), called: called.trim().split('\n') }
}

const withSystemd = await access('/run/systemd/system').then(
  () => true,
  () => false,
)
const STARTED = withSystemd ? 'systemctl start docker' : 'dockerd --ip 127.0.0.1'

describe('ensureEngine()', () => {
  test('does nothing when an engine answers', async () => {
    await writeFile(join(room, 'running'), '')

    expect(await ensure({ USER_ID: '1000' })).toEqual({ called: [''] })
  })

  test('starts an engine that is installed, for this machine alone', async () => {
    expect(await ensure()).toEqual({ called: [STARTED] })
  })

  test('installs an engine where there is none, from fresh package lists', async () => {
    await rm(join(room, 'programs', 'dockerd'))

    const { code, called } = await ensure()

    expect(code).toBeUndefined()
    expect(called[0]).toMatch(/^apt-get .*update$/)
    expect(called[1]).toMatch(/^apt-get .*install .*docker\.io/)
    expect(called[2]).toBe(STARTED)
  })

  test('says what to do to a user who may do neither', async () => {
    const { code, hint, called } = await ensure({ USER_ID: '1000' })

    expect(code).toBe('NO_DOCKER')
    expect(hint).toContain('sudo systemctl start docker')
    expect(called).toEqual([''])
  })

  test('says what to do to a user who is kept out', async () => {
    const { code, hint } = await ensure({
      USER_ID: '1000',
      SILENCE: 'permission denied while trying to connect',
    })

    expect(code).toBe('DOCKER_FORBIDDEN')
    expect(hint).toContain('usermod -aG docker')
  })
})
