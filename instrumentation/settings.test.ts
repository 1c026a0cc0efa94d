import { describe, expect, test } from '@jest/globals'
import { telemetrySettings } from './settings.ts'

const DSN = 'http://key@oncall.test:8070/1'

describe('telemetrySettings()', () => {
  test('switches nothing on when nothing is set', () => {
    expect(telemetrySettings({})).toEqual({ place: { service: 'unknown' } })
  })

  test.each([
    ['none', { OTEL_TRACES_EXPORTER: 'none' }],
    ['nothing', { OTEL_TRACES_EXPORTER: '' }],
    ['zipkin, but the SDK is disabled', { OTEL_TRACES_EXPORTER: 'zipkin', OTEL_SDK_DISABLED: 'TRUE' }],
  ])('makes no traces for %s', (_, env) => {
    expect(telemetrySettings(env).traces).toBeUndefined()
  })

  test.each([
    ['zipkin', ['zipkin']],
    ['otlp', ['otlp']],
    ['zipkin, otlp', ['otlp', 'zipkin']],
    ['otlp,none', ['otlp']],
  ])('takes the exporters of %s', (value, exporters) => {
    expect(telemetrySettings({ OTEL_TRACES_EXPORTER: value }).traces?.exporters).toEqual(exporters)
  })

  test.each([
    [undefined, ['http', 'express', 'undici', 'pg']],
    ['pg,http', ['http', 'pg']],
    ['none', []],
  ])('instruments for %s', (value, names) => {
    const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_NODE_ENABLED_INSTRUMENTATIONS: value }
    expect(telemetrySettings(env).traces?.instrumentations).toEqual(names)
  })

  test('bounds the traces of a second when it is told to', () => {
    const env = {
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.05',
    }

    expect(telemetrySettings(env).traces?.bound).toBeUndefined()
    expect(telemetrySettings({ ...env, TRACES_PER_SECOND: '20' }).traces?.bound).toEqual({
      share: 0.05,
      perSecond: 20,
    })
  })

  test.each([
    ['0', 'parentbased_traceidratio', '0.05', "TRACES_PER_SECOND must be above 0: current value is '0'"],
    ['many', 'parentbased_traceidratio', '0.05', "must be above 0: current value is 'many'"],
    ['20', 'always_on', '0.05', "current values are 'always_on' and '0.05'"],
    ['20', 'parentbased_traceidratio', '5', "current values are 'parentbased_traceidratio' and '5'"],
  ])('does not bound traces by %s with %s of %s', (perSecond, sampler, share, message) => {
    const env = {
      TRACES_PER_SECOND: perSecond,
      OTEL_TRACES_SAMPLER: sampler,
      OTEL_TRACES_SAMPLER_ARG: share,
    }

    expect(() => telemetrySettings(env)).toThrow(message)
  })

  test('sends events where the DSN says, with release and environment', () => {
    const env = { SENTRY_DSN: DSN, SENTRY_RELEASE: 'abc', SENTRY_ENVIRONMENT: 'control' }
    expect(telemetrySettings(env).events).toEqual({ dsn: DSN, release: 'abc', environment: 'control' })
    expect(telemetrySettings({ SENTRY_DSN: DSN }).events).toEqual({ dsn: DSN })
  })

  test.each([
    ['ZONE, when it is known', { ZONE: 'eu-west-1a', NODE_NAME: 'ip-10-0-0-1' }, 'eu-west-1a'],
    ['the end of the name of a node of the local cluster', { NODE_NAME: 'experiment-b' }, 'b'],
    ['the name of any other node', { NODE_NAME: 'ip-10-0-0-1' }, 'ip-10-0-0-1'],
  ])('takes for the zone %s', (_, env, zone) => {
    expect(telemetrySettings(env).place.zone).toBe(zone)
  })

  test('lists every problem at once and keeps the key of the DSN for itself', () => {
    const env = {
      OTEL_TRACES_EXPORTER: 'jaeger',
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,mysql',
      SENTRY_DSN: 'http://oncall.test/very-secret',
    }
    const told = () => telemetrySettings(env)

    expect(told).toThrow(
      "OTEL_TRACES_EXPORTER must be of otlp, zipkin, console or none: current value is 'jaeger'",
    )
    expect(told).toThrow("current value is 'http,mysql'")
    expect(told).toThrow('SENTRY_DSN must be like http://KEY@HOST/PROJECT')
    expect(told).not.toThrow('very-secret')
  })
})
