import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { MachineryError } from './errors.ts'
import { ExecServer, message, STREAM } from './exec-fixture.ts'
import { exitCodeOf, KubeconfigPodPrograms } from './pod-programs.ts'

describe('exitCodeOf()', () => {
  test.each([
    { title: 'is 0 for success', status: { status: 'Success' }, expected: 0 },
    {
      title: 'is what the program ended with',
      status: { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '2' }] } },
      expected: 2,
    },
    {
      title: 'is not there for a program that never ran',
      status: { status: 'Failure', message: 'no such file', details: { causes: [] } },
      expected: undefined,
    },
  ])('$title', ({ status, expected }) => {
    expect(exitCodeOf(status)).toBe(expected)
  })
})

describe('KubeconfigPodPrograms', () => {
  let server: ExecServer
  let folder: string
  let access: { readonly kubeconfigPath: string; readonly context: string }

  beforeEach(async () => {
    server = new ExecServer()
    folder = await mkdtemp(join(tmpdir(), 'pod-programs-'))
    access = { kubeconfigPath: join(folder, 'kubeconfig'), context: 'lab' }
    const kubeconfig = {
      clusters: [
        { name: 'lab', cluster: { server: await server.start(), 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'me', user: {} }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'me' } }],
    }
    await writeFile(access.kubeconfigPath, JSON.stringify(kubeconfig))
  })
  afterEach(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })

  const run = (programs: KubeconfigPodPrograms) =>
    programs.run('observability', 'prometheus-1', 'prometheus', ['promtool', 'check'])

  /** Commands write both, and end so. */
  const endsWith = (status: object) => {
    server.answer = (socket, accept) => {
      accept()
      socket.write(message(STREAM.output, 'checking\n'))
      socket.write(message(STREAM.complaint, 'parse error\n'))
      socket.write(message(STREAM.status, JSON.stringify(status)))
    }
  }

  test('tells what a program wrote, and what it ended with', async () => {
    endsWith({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '3' }] } })

    expect(await run(new KubeconfigPodPrograms(access))).toEqual({
      exitCode: 3,
      output: 'checking\nparse error',
    })
  })

  test('says why a program never ran', async () => {
    endsWith({ status: 'Failure', message: 'no such file' })

    await expect(run(new KubeconfigPodPrograms(access))).rejects.toThrow('no such file')
  })

  test('gives up on a program that hangs, and on its connection', async () => {
    server.answer = (_, accept) => accept()

    const failure = run(new KubeconfigPodPrograms(access, undefined, 200))

    await expect(failure).rejects.toBeInstanceOf(MachineryError)
    await expect(failure).rejects.toThrow('did not end within 0.2 s')
    while (server.connections > 0) await new Promise(resolve => setTimeout(resolve, 5))
  })

  test('does not wait for a program when the whole command is interrupted', async () => {
    const aborting = new AbortController()
    server.answer = (_, accept) => {
      accept()
      aborting.abort(new Error('interrupted'))
    }

    await expect(run(new KubeconfigPodPrograms(access, aborting.signal))).rejects.toThrow('interrupted')
    while (server.connections > 0) await new Promise(resolve => setTimeout(resolve, 5))
  })

  test('says that the connection broke', async () => {
    server.answer = (socket, accept) => {
      accept()
      socket.end()
    }

    await expect(run(new KubeconfigPodPrograms(access))).rejects.toThrow('connection was closed')
  })
})
