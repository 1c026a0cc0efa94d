import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { inflateBody, parseEnvelope, sentKey } from './envelope.ts'

const lines = (...parts: readonly string[]) => Buffer.from(parts.join('\n'))

describe('parseEnvelope()', () => {
  test('reads items with and without a length, with line ends inside and empty ones', () => {
    const body = lines(
      '{"event_id":"a"}',
      '{"type":"attachment","length":7}',
      'one\ntwo',
      '{"type":"event"}',
      '{"message":"ü"}',
      '{"type":"session","length":0}',
      '',
      '{"type":"event","length":2}',
      '{}',
    )
    const { header, items } = parseEnvelope(body)
    expect(header).toEqual({ event_id: 'a' })
    expect(items.map(({ type, body: own }) => [type, own.toString()])).toEqual([
      ['attachment', 'one\ntwo'],
      ['event', '{"message":"ü"}'],
      ['session', ''],
      ['event', '{}'],
    ])
  })

  test.each([
    { title: 'no header', body: '' },
    { title: 'a header that is no object', body: '[]' },
    { title: 'an item without a type', body: '{}\n{"length":0}\n' },
    { title: 'a length beyond the end', body: '{}\n{"type":"event","length":99}\n{}' },
    { title: 'a negative length', body: '{}\n{"type":"event","length":-1}\n{}' },
    { title: 'more items than anybody sends', body: `{}\n${'{"type":"event"}\n{}\n'.repeat(101)}` },
  ])('refuses $title', ({ body }) => {
    expect(() => parseEnvelope(Buffer.from(body))).toThrow(/Cannot read|has no type|length|at most/)
  })
})

describe('inflateBody()', () => {
  const text = Buffer.from('{"event_id":"a"}\n'.repeat(50))

  test.each([
    { encoding: 'gzip', body: gzipSync(text) },
    { encoding: 'deflate', body: deflateSync(text) },
    { encoding: 'br', body: brotliCompressSync(text) },
    { encoding: 'identity', body: text },
    { encoding: undefined, body: text },
  ])('gives what was sent as $encoding', async ({ encoding, body }) => {
    expect(await inflateBody(body, encoding, 1_000)).toEqual(text)
  })

  test.each([
    { title: 'more than allowed', encoding: 'gzip', body: gzipSync(text), limit: 849, status: 413 },
    { title: 'damaged bytes', encoding: 'gzip', body: Buffer.from('no'), limit: 1_000, status: 400 },
    { title: 'an encoding nobody knows', encoding: 'rot13', body: text, limit: 1_000, status: 415 },
    { title: 'a name of every object', encoding: 'constructor', body: text, limit: 1_000, status: 415 },
  ])('refuses $title', async ({ encoding, body, limit, status }) => {
    await expect(inflateBody(body, encoding, limit)).rejects.toMatchObject({ status })
  })
})

describe('sentKey()', () => {
  const none = new URLSearchParams()

  test.each([
    {
      title: 'the header',
      auth: 'Sentry sentry_version=7,sentry_client=x/1, sentry_key=abc',
      query: '',
      dsn: '',
    },
    {
      title: 'a header that begins with it',
      auth: 'Sentry sentry_key=abc, sentry_version=7',
      query: '',
      dsn: '',
    },
    { title: 'the query', auth: undefined, query: 'sentry_version=7&sentry_key=abc', dsn: '' },
    { title: 'the DSN', auth: undefined, query: '', dsn: 'http://abc@oncall:8070/1' },
  ])('finds the key in $title', ({ auth, query, dsn }) => {
    expect(sentKey(auth, new URLSearchParams(query), { dsn })).toBe('abc')
  })

  test('finds none where there is none', () => {
    expect(sentKey('Sentry other_sentry_key=abc', none, { dsn: 'nonsense' })).toBeNull()
  })
})
