import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isSecretName, scrub, scrubText } from './scrub.ts'

const LIMITS = { depth: 4, entries: 10, text: 100 }

describe('isSecretName()', () => {
  test.each(
    [
      'authorization',
      'X-Auth-Token',
      'cookie',
      'set-cookie',
      'dbPassword',
      'PGPASSWORD',
      'SENTRY_DSN',
      'api_key',
      'apiKey',
      'session_id',
      'x-divergence-token',
      'clientSecret',
      'csrf',
    ].map(name => ({ name })),
  )('is $name', ({ name }) => {
    expect(isSecretName(name)).toBe(true)
  })

  test.each(['author', 'host', 'key', 'song', 'path', 'user', 'compass'].map(name => ({ name })))(
    'is not $name',
    ({ name }) => {
      expect(isSecretName(name)).toBe(false)
    },
  )
})

describe('scrubText()', () => {
  test.each([
    { text: 'Authorization: Bearer abcdef123456', clean: 'Authorization: [scrubbed] [scrubbed]' },
    { text: 'sent Bearer abcdef123456 to it', clean: 'sent Bearer [scrubbed] to it' },
    { text: 'postgres://owner:pw@db:5432/x failed', clean: 'postgres://[scrubbed]@db:5432/x failed' },
    { text: 'http://0123abcd@oncall:8070/1', clean: 'http://[scrubbed]@oncall:8070/1' },
    { text: '/plays?token=abc&page=2', clean: '/plays?token=[scrubbed]&page=2' },
    { text: "connect(password='a b', host='h')", clean: "connect(password=[scrubbed], host='h')" },
    { text: '{"api_key":"abc","n":1}', clean: '{"api_key":[scrubbed],"n":1}' },
    { text: 'eyJhbGciOiJI.eyJzdWIiOiIx.sig-nature', clean: '[scrubbed]' },
    { text: '-----BEGIN PRIVATE KEY-----\nMIIE\n', clean: '[scrubbed]' },
    { text: 'Unexpected token } in JSON', clean: 'Unexpected token } in JSON' },
    { text: 'a:b@c and x <y@z>', clean: 'a:b@c and x <y@z>' },
  ])('makes of $text: $clean', ({ text, clean }) => {
    expect(scrubText(text, 200)).toBe(clean)
  })

  test.each(
    [
      'postgres://owner:hunter2hunter2@db:5432/x',
      'http://hunter2hunter2@oncall:8070/1',
      'Authorization: Bearer hunter2hunter2',
      'sent Basic hunter2hunter2',
      'password="hunter2 hunter2 hunter2", host',
      "{'token': 'hunter2 hunter2'}",
      'eyJodW50ZXIyhunter2.hunter2.hunter2',
    ].map(secret => ({ secret })),
  )('keeps nothing of it wherever it is cut: $secret', ({ secret }) => {
    const text = `so ${secret} and so on`
    for (let longest = 5; longest < text.length; longest++) {
      const clean = scrubText(text, longest)
      expect(clean.length).toBeLessThanOrEqual(longest)
      expect(clean).not.toMatch(/hu/)
    }
  })

  test('says where it was cut', () => {
    expect(scrubText('one two three', 8)).toBe('one two…')
    expect(scrubText('one two', 7)).toBe('one two')
    expect(scrubText('pwd=a', 5)).toBe('pwd=…')
  })

  test('does not stop the process with text made to be slow', () => {
    const slow = ['a.', 'eyJ-', '://', 'token', 'token ', 'token  "', '-----BEGIN ', 'x@', 'a://'].map(part =>
      part.repeat(4_000),
    )
    const startedMs = performance.now()
    for (const text of slow) scrubText(text, 4_000)
    expect(performance.now() - startedMs).toBeLessThan(500)
  })
})

describe('scrub()', () => {
  test('takes whole values away by the name of their field, at any depth', () => {
    expect(scrub({ a: [{ password: { deep: 'x' }, b: 'y', token: null }] }, LIMITS)).toEqual({
      a: [{ password: '[scrubbed]', b: 'y', token: null }],
    })
  })

  test('stays within its limits, and gives JSON', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 8 }), value => {
        const clean = scrub(value, LIMITS)
        expect(JSON.parse(JSON.stringify(clean))).toEqual(clean)
        expect(depthOf(clean)).toBeLessThanOrEqual(LIMITS.depth)
      }),
      { seed: 7, numRuns: 200 },
    )
  })
})

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
