import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { certificateRequests, ensurePki, kubeconfig, type Pki } from './pki.ts'
import { nodePlans } from './plan.ts'

// Keys are made by processes: seconds on a busy machine.
jest.setTimeout(60_000)

const signal = new AbortController().signal
let folder: string
let pki: Pki

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'divergence-pki-'))
  pki = await ensurePki(join(folder, 'pki'), nodePlans(), signal)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const certificate = async (name: string) => new X509Certificate(await pki.read(`${name}.crt`))

describe('ensurePki()', () => {
  test('signs every certificate by the one authority, with the key beside it', async () => {
    const authority = new X509Certificate(await pki.read('ca.crt'))
    for (const { name } of certificateRequests(nodePlans())) {
      const issued = await certificate(name)
      expect([name, issued.verify(authority.publicKey)]).toEqual([name, true])
      expect([name, issued.checkPrivateKey(createPrivateKey(await pki.read(`${name}.key`)))]).toEqual([
        name,
        true,
      ])
      expect([name, issued.ca]).toEqual([name, false])
    }
  })

  test('names the API server as this machine, the nodes and the pods reach it', async () => {
    const server = await certificate('api-server')

    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(server.checkIP('172.30.77.2')).toBe('172.30.77.2')
    expect(server.checkIP('10.96.0.1')).toBe('10.96.0.1')
    expect(server.checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc')
    expect(server.checkIP('172.30.77.3')).toBeUndefined()
  })

  test('lets a kubelet speak for its own node only', async () => {
    const kubelet = await certificate('kubelet-experiment-a')

    expect(kubelet.subject).toBe('O=system:nodes\nCN=system:node:experiment-a')
    expect(kubelet.checkIP('172.30.77.21')).toBe('172.30.77.21')
    expect(kubelet.checkIP('172.30.77.22')).toBeUndefined()
  })

  test('is readable by its owner alone', async () => {
    expect((await stat(join(folder, 'pki'))).mode & 0o077).toBe(0)
  })

  test('makes nothing anew the second time', async () => {
    const again = await ensurePki(join(folder, 'pki'), nodePlans(), signal)

    expect(again.fingerprint).toBe(pki.fingerprint)
  })

  test('makes everything anew for other nodes', async () => {
    const path = join(folder, 'fewer')
    const few = await ensurePki(path, nodePlans().slice(0, 1), signal)

    const all = await ensurePki(path, nodePlans(), signal)

    expect(all.fingerprint).not.toBe(few.fingerprint)
    expect(await all.read('kubelet-control-a.crt')).toContain('BEGIN CERTIFICATE')
  })

  test('begins from the start when an earlier call was cut short', async () => {
    const path = join(folder, 'second')
    await mkdir(`${path}.unfinished`)
    await writeFile(`${path}.unfinished/ca.crt`, 'half')

    const made = await ensurePki(path, nodePlans(), signal)

    expect(made.fingerprint).not.toBe(pki.fingerprint)
    expect(await readdir(folder)).not.toContain('second.unfinished')
  })
})

describe('kubeconfig()', () => {
  test('carries everything in itself', () => {
    const text = kubeconfig('https://127.0.0.1:1', { name: 'admin', certificate: 'CRT', key: 'KEY' }, 'CA')

    expect(JSON.parse(text)).toMatchObject({
      clusters: [{ cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': 'Q0E=' } }],
      users: [{ name: 'admin', user: { 'client-certificate-data': 'Q1JU', 'client-key-data': 'S0VZ' } }],
      'current-context': 'divergence',
    })
  })
})
