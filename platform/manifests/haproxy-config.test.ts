import { describe, expect, test } from '@jest/globals'
import { haproxyConfig } from './haproxy-config.ts'

/** Lines of one section, trimmed. */
function section(config: string, name: string): readonly string[] {
  const lines = config.split('\n')
  const start = lines.indexOf(name)
  const end = lines.findIndex((line, index) => index > start && /^\S/.test(line))
  return lines.slice(start + 1, end < 0 ? undefined : end).map(line => line.trim())
}

describe('haproxyConfig()', () => {
  const config = haproxyConfig('experiment', 3)
  const servers =
    'server-template gateway 6 gateway.experiment.svc.cluster.local:8080 check resolvers cluster resolve-prefer ipv4 init-addr none'

  test('opens a connection of its own for every request, and knows within a second who is dead', () => {
    expect(section(config, 'defaults')).toEqual(
      expect.arrayContaining([
        'timeout connect 200ms',
        'option redispatch 1',
        'option http-server-close',
        'http-reuse never',
        'default-server inter 500ms fastinter 200ms downinter 500ms fall 2 rise 2',
      ]),
    )
  })

  test('asks again for a read only when a gateway said nothing', () => {
    expect(section(config, 'backend reads')).toEqual(
      expect.arrayContaining(['retry-on conn-failure empty-response response-timeout', 'retries 2', servers]),
    )
  })

  test('holds a write until there is a primary, but does not ask a full gateway again', () => {
    expect(section(config, 'backend writes')).toEqual(
      expect.arrayContaining([
        'retry-on conn-failure empty-response response-timeout 502 504',
        'retries 6',
        servers,
      ]),
    )
  })

  test.each([
    { backend: 'reads', most: 72 },
    { backend: 'writes', most: 192 },
  ])('refuses $backend at once beyond $most under way, and says when to come again', ({ backend, most }) => {
    const rule = section(config, `backend ${backend}`).find(each => each.startsWith('http-request return'))

    expect(rule).toContain('status 503')
    expect(rule).toContain('hdr Retry-After 1')
    expect(rule?.endsWith(`if { be_conn(${backend}) gt ${most} }`)).toBe(true)
  })

  test('never sends a write without a key twice', () => {
    expect(section(config, 'backend writes')).toContain(
      'http-request disable-l7-retry unless { req.hdr(Idempotency-Key) -m found }',
    )
  })

  test('keeps its gateways when names cannot be looked up', () => {
    expect(section(config, 'resolvers cluster')).toEqual(
      expect.arrayContaining(['hold nx 1h', 'hold other 1h', 'hold refused 1h', 'hold timeout 1h']),
    )
  })

  test('shows metrics on the inner port only', () => {
    expect(section(config, 'frontend public').join('\n')).toMatch(/deny deny_status 404 .* \/metrics/)
    expect(section(config, 'frontend metrics')).toContain('bind :8404')
  })
})
