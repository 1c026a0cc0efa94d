import { describe, expect, test } from '@jest/globals'
import { instrumentationConfig } from './instrumentation-config.ts'

const config = instrumentationConfig({ SENTRY_DSN: 'http://key@oncall.test:8070/1' })

describe('instrumentationConfig()', () => {
  test.each([
    ['host with its port', { host: 'oncall.test:8070' }, true],
    ['host name and port', { hostname: 'oncall.test', port: 8070 }, true],
    ['host and port', { host: 'oncall.test', port: '8070' }, true],
    ['another port', { hostname: 'oncall.test', port: 80 }, false],
  ])('makes no span of an error event that is sent: %s', (_, where, ignored) => {
    const hook = config['@opentelemetry/instrumentation-http']?.ignoreOutgoingRequestHook

    expect(hook?.({ ...where, path: '/api/1/envelope/' })).toBe(ignored)
  })

  test('makes no span of it when undici sends it', () => {
    const hook = config['@opentelemetry/instrumentation-undici']?.ignoreRequestHook
    const request = { method: 'POST', path: '/api/1/envelope/', headers: '' }

    expect(hook?.({ ...request, origin: 'http://oncall.test:8070' } as never)).toBe(true)
    expect(hook?.({ ...request, origin: 'http://other.test' } as never)).toBe(false)
    expect(hook?.({ ...request, origin: '' } as never)).toBe(false)
  })

  test('has no spans of layers of Express, and no queries without a request', () => {
    const [ignore] = config['@opentelemetry/instrumentation-express']?.ignoreLayers ?? []

    expect(typeof ignore === 'function' && ignore('middleware - json')).toBe(true)
    expect(config['@opentelemetry/instrumentation-pg']).toMatchObject({ requireParentSpan: true })
  })
})
