import { describe, expect, test } from '@jest/globals'
import { isUntoldPath, ownTraffic } from './own-traffic.ts'

describe('ownTraffic()', () => {
  const isOwn = ownTraffic({
    SENTRY_DSN: 'http://key@oncall.test:8070/1',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://zipkin.test:9411/api/v2/spans',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.test:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'no address',
  })

  test.each([
    ['an error event', 'oncall.test:8070', '/api/1/envelope/?sentry_key=k', true],
    ['spans for Zipkin', 'zipkin.test:9411', '/api/v2/spans', true],
    ['spans for a collector', 'collector.test:4318', '/v1/traces', true],
    ['something else asked of the event sink', 'oncall.test:8070', '/api/v2/alerts', false],
    ['an envelope that goes somewhere else', 'other.test:8070', '/api/1/envelope/', false],
  ])('knows %s: %s %s', (_, host, path, own) => {
    expect(isOwn({ host, path })).toBe(own)
  })

  test('is nothing when nothing is sent', () => {
    expect(ownTraffic({})({ host: 'oncall.test:8070', path: '/api/1/envelope/' })).toBe(false)
  })
})

describe('isUntoldPath()', () => {
  test.each([
    ['/healthz', true],
    ['/readyz?x=1', true],
    ['/metrics', true],
    ['/api/1/envelope/', true],
    ['/metrics-of-ours', false],
    ['/api/v2/alerts', false],
    [undefined, false],
  ])('%s: %s', (path, untold) => {
    expect(isUntoldPath(path)).toBe(untold)
  })
})
