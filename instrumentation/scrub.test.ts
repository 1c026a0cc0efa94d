import { describe, expect, test } from '@jest/globals'
import { scrub, scrubText } from './scrub.ts'

describe('scrubText()', () => {
  test.each([
    ['postgres://owner:s3cret@database:5432/songs failed', 'postgres://[removed]@database:5432/songs failed'],
    ['http://publickey@oncall:8070/1', 'http://[removed]@oncall:8070/1'],
    ['authorization: Bearer abc.def-ghi', 'authorization: Bearer [removed]'],
    ['password=hunter2&user=me', 'password=[removed]&user=me'],
    ['{"api_key": "abc def", "n": 1}', '{"api_key": [removed], "n": 1}'],
    ['ACCESS_TOKEN: xyz, next', 'ACCESS_TOKEN: [removed], next'],
  ])('takes the secret out of %s', (text, scrubbed) => {
    expect(scrubText(text)).toBe(scrubbed)
  })

  test.each([
    'The recommender failed GET /songs/:hash: 502 (ECONNRESET)',
    'connect ECONNREFUSED 10.244.1.7:8000',
    'Unexpected token < in JSON',
  ])('leaves alone: %s', text => {
    expect(scrubText(text)).toBe(text)
  })
})

describe('scrub()', () => {
  test('goes through everything, and leaves what it was given as it is', () => {
    const given = {
      password: 'a',
      Authorization: 'b',
      'x-divergence-token': 'c',
      passed: 7,
      list: ['token=d', { cookie: ['e'] }],
      nothing: null,
      unset: undefined,
    }

    expect(scrub(given)).toEqual({
      password: '[removed]',
      Authorization: '[removed]',
      'x-divergence-token': '[removed]',
      passed: 7,
      list: ['token=[removed]', { cookie: '[removed]' }],
      nothing: null,
      unset: undefined,
    })
    expect(given.password).toBe('a')
  })

  test('ends at a circle', () => {
    const circle: { inner?: unknown } = {}
    circle.inner = circle

    expect(JSON.stringify(scrub(circle))).toContain('[cut]')
  })
})
