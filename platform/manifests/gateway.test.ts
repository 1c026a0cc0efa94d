import { describe, expect, test } from '@jest/globals'
import { CONTAINERS } from './planned-pods.ts'

describe('gateway()', () => {
  const gateways = CONTAINERS.filter(({ pod }) => pod.labels.service === 'gateway')

  test.each(gateways)('starts telemetry before the program: $title', ({ container }) => {
    expect(container.command?.slice(-3)).toEqual([
      '--import',
      './instrumentation/register.ts',
      'services/gateway/main.ts',
    ])
  })

  test.each(gateways)('makes its spans itself, and says whose they are: $title', ({ container, pod }) => {
    const value = (name: string) => container.env?.find(each => each.name === name)?.value

    expect(value('OTEL_NODE_ENABLED_INSTRUMENTATIONS')).toBe('none')
    expect([value('GROUP'), value('OTEL_SERVICE_NAME')]).toEqual([pod.namespace, 'gateway'])
  })

  test('is one of each group', () => {
    expect(gateways.map(({ pod }) => pod.namespace)).toEqual(['control', 'experiment'])
  })
})
