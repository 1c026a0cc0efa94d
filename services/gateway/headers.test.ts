import { describe, expect, test } from '@jest/globals'
import { answerHeaders, requestIdOf, upstreamHeaders } from './headers.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('requestIdOf()', () => {
  test('keeps a short harmless id', () => {
    expect(requestIdOf({ 'x-request-id': 'k6:run-7.vu_3' })).toBe('k6:run-7.vu_3')
  })

  test.each(['', 'a b', 'x'.repeat(65), 'line\nbreak', '{"forged":1}'])('replaces %j', given => {
    expect(requestIdOf({ 'x-request-id': given })).toMatch(UUID)
  })

  test('makes one when there is none', () => {
    expect(requestIdOf({})).toMatch(UUID)
  })
})

describe('upstreamHeaders()', () => {
  test('passes only the listed headers on', () => {
    const headers = {
      accept: 'application/json',
      cookie: 'session=1',
      authorization: 'Bearer x',
      connection: 'keep-alive, x-secret',
      'x-secret': '1',
      'x-forwarded-for': '10.0.0.1',
      'idempotency-key': 'k1',
      host: 'example.org',
    }
    expect(upstreamHeaders(headers, 'r1')).toEqual([
      'x-request-id',
      'r1',
      'accept',
      'application/json',
      'idempotency-key',
      'k1',
    ])
  })
})

describe('answerHeaders()', () => {
  test('drops what is about one connection, what Connection names, and the software', () => {
    const headers = {
      'content-type': 'application/json',
      'content-length': '2',
      connection: 'close, X-Hop',
      'x-hop': '1',
      'keep-alive': 'timeout=5',
      'transfer-encoding': 'chunked',
      server: 'gunicorn',
      'retry-after': '1',
    }
    expect(answerHeaders(headers, 'r1')).toEqual({
      'content-type': 'application/json',
      'content-length': '2',
      'retry-after': '1',
      'x-request-id': 'r1',
    })
  })
})
