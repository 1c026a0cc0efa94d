import { describe, expect, test } from '@jest/globals'
import type { ApiServer } from './api-server.ts'
import { UserError } from './errors.ts'
import type { KubernetesObject } from './manifests/object.ts'
import {
  grantKeys,
  isObjectStoreUri,
  objectStoreCorpus,
  refuseStoreOptions,
  revokeKeys,
} from './object-store.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
const NOW_MS = Date.UTC(2026, 0, 2)

describe('isObjectStoreUri()', () => {
  test.each([
    ['s3a://bucket/midi', true],
    ['S3://bucket', true],
    ['gs://bucket', true],
    ['/music/midi', false],
    ['midi', false],
    ['./s3a:', false],
  ])('of %s is %s', (source, expected) => {
    expect(isObjectStoreUri(source)).toBe(expected)
  })
})

describe('objectStoreCorpus()', () => {
  const corpusOf = (uri: string, options = {}, nowMs = NOW_MS) =>
    objectStoreCorpus(uri, options, 'context', {}, nowMs).corpus

  test('reads AWS with the pods’ own identity, in the region of the caller', () => {
    const { corpus, keys } = objectStoreCorpus(
      's3://my.bucket/midi/rock',
      {},
      'context',
      { AWS_REGION: 'eu-central-1', ...KEYS },
      NOW_MS,
    )

    expect(corpus).toMatchObject({
      uri: 's3a://my.bucket/midi/rock',
      store: { credentials: 'pods', region: 'eu-central-1' },
    })
    expect(corpus.name).toMatch(/^my-bucket-midi-rock-[0-9a-f]{8}$/)
    expect(keys).toBeUndefined()
  })

  test('reads another store, and reads from the local cluster, with the keys of the caller', () => {
    const environment = { ...KEYS, AWS_SESSION_TOKEN: 'token', OTHER: 'x' }
    const options = { s3Endpoint: 'http://store.example:9000/' }

    const other = objectStoreCorpus('s3a://bucket', options, 'context', KEYS, NOW_MS)
    const local = objectStoreCorpus('s3a://bucket', {}, 'local', environment, NOW_MS)

    expect(other.corpus.store).toEqual({ credentials: 'caller', endpointUrl: 'http://store.example:9000' })
    expect(other.keys).toEqual(KEYS)
    expect(local.keys).toEqual({ ...KEYS, AWS_SESSION_TOKEN: 'token' })
  })

  test('is another corpus a moment later, and the same one for the same generation', () => {
    const later = NOW_MS + 1
    const generation = { generation: 'v1' }

    expect(corpusOf('s3a://bucket').contentHash).not.toBe(corpusOf('s3a://bucket', {}, later).contentHash)
    expect(corpusOf('s3a://bucket', generation)).toEqual(corpusOf('s3a://bucket', generation, later))
    expect(corpusOf('s3a://bucket', generation).name).not.toBe(corpusOf('s3a://others', generation).name)
  })

  test('holds no key', () => {
    const { corpus } = objectStoreCorpus('s3a://bucket', {}, 'local', KEYS, NOW_MS)

    expect(JSON.stringify(corpus)).not.toMatch(/secret|"id"/)
  })

  test.each([
    ['gs://bucket/midi', {}, "Cannot ingest 'gs://bucket/midi'"],
    ['s3a://UPPER', {}, "Cannot ingest 's3a://UPPER'"],
    ['s3a://key:secret@bucket', {}, 'Cannot ingest'],
    ['s3a://bucket/*.mid', {}, 'Cannot ingest'],
    ['s3a://bucket', { s3Region: 'eu central' }, "region 'eu central'"],
    ['s3a://bucket', { s3Endpoint: 'store.example' }, 'Cannot use --s3-endpoint'],
    ['s3a://bucket', { s3Endpoint: 'https://me:pass@store.example' }, 'Cannot use --s3-endpoint'],
    [
      's3a://bucket',
      { s3Credentials: 'caller' as const },
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set',
    ],
  ])('refuses %s with %j', (uri, options, message) => {
    const make = () => objectStoreCorpus(uri, options, 'context', {}, NOW_MS)

    expect(make).toThrow(UserError)
    expect(make).toThrow(message)
  })

  test('never repeats an endpoint that may hold a password', () => {
    const options = { s3Endpoint: 'https://me:pass@store.example' }

    expect(() => objectStoreCorpus('s3a://bucket', options, 'context', {}, NOW_MS)).not.toThrow('pass')
  })
})

describe('refuseStoreOptions()', () => {
  test('names those that make no sense with a folder', () => {
    const options = { s3Endpoint: 'http://store', generation: 'v1', json: true }

    expect(() => refuseStoreOptions('midi', options)).toThrow('Cannot use --s3-endpoint and --generation')
    expect(() => refuseStoreOptions('midi', {})).not.toThrow()
  })
})

/** Remembers Secrets by namespace and name. */
class SecretsOnly implements Pick<ApiServer, 'apply' | 'remove'> {
  readonly secrets = new Map<string, KubernetesObject>()

  async apply(object: KubernetesObject) {
    const { name, namespace } = object.metadata
    const before = this.secrets.get(`${namespace}/${name}`)?.data as object | undefined
    this.secrets.set(`${namespace}/${name}`, { ...object, data: { ...before, ...(object.data as object) } })
    return object
  }

  async remove({ name, namespace }: { name: string; namespace?: string | undefined }) {
    return this.secrets.delete(`${namespace}/${name}`)
  }
}

describe('grantKeys()', () => {
  test('gives them to both groups, and leaves none of an earlier command', async () => {
    const api = new SecretsOnly()
    await grantKeys(api, { ...KEYS, AWS_SESSION_TOKEN: 'old' })

    await grantKeys(api, KEYS)

    expect([...api.secrets.keys()].sort()).toEqual([
      'control/object-store-keys',
      'experiment/object-store-keys',
    ])
    expect(api.secrets.get('control/object-store-keys')?.data).toEqual({
      AWS_ACCESS_KEY_ID: 'aWQ=',
      AWS_SECRET_ACCESS_KEY: 'c2VjcmV0',
    })
  })

  test('is undone by revokeKeys()', async () => {
    const api = new SecretsOnly()
    await grantKeys(api, KEYS)

    await revokeKeys(api)

    expect(api.secrets.size).toBe(0)
  })
})
