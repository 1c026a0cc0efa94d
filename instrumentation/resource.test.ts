import { describe, expect, test } from '@jest/globals'
import { eventTags, resourceAttributes } from './resource.ts'

const PLACE = { service: 'gateway', group: 'control', zone: 'a', node: 'control-a', pod: 'p', release: 'r' }

describe('resourceAttributes()', () => {
  test('say who, where and which version', () => {
    expect(resourceAttributes(PLACE, {})).toEqual({
      'service.name': 'gateway',
      'service.version': 'r',
      group: 'control',
      zone: 'a',
      'host.name': 'control-a',
      'service.instance.id': 'p',
    })
  })

  test('leave out what is not known', () => {
    expect(resourceAttributes({ service: 'x' }, {})).toEqual({ 'service.name': 'x' })
  })

  test('leave the last word to OTEL_RESOURCE_ATTRIBUTES', () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'group=experiment, team=a%20b ,broken,odd=100%' }

    expect(resourceAttributes({ service: 'x', group: 'control' }, env)).toEqual({
      'service.name': 'x',
      group: 'experiment',
      team: 'a b',
      odd: '100%',
    })
  })
})

describe('eventTags()', () => {
  test('are the labels of metrics', () => {
    expect(eventTags(PLACE)).toEqual({
      service: 'gateway',
      group: 'control',
      zone: 'a',
      node: 'control-a',
      pod: 'p',
    })
  })
})
