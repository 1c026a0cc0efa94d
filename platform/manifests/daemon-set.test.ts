import { describe, expect, test } from '@jest/globals'
import { blackboxConfig } from './blackbox.ts'
import { daemonSet } from './daemon-set.ts'
import { configAnnotation } from './object.ts'
import { OBJECTS, PODS } from './planned-pods.ts'

describe('daemonSet()', () => {
  test.each([
    { title: 'chaos/agent' },
    { title: 'observability/node-exporter' },
    {
      title: 'observability/blackbox',
      annotations: configAnnotation({ 'blackbox.yml': blackboxConfig() }),
    },
  ])('is all of $title but its pod', ({ title, annotations }) => {
    const planned = PODS.find(pod => pod.title === `DaemonSet ${title}`)
    const { containers = [], volumes = [], ...pod } = planned?.spec ?? {}
    const [own, ...others] = containers
    const [namespace = '', name = ''] = title.split('/')

    expect(others).toEqual([])
    expect(own?.name).toBe(name)
    expect(OBJECTS).toContainEqual(
      daemonSet(namespace, name, {
        ...(annotations ? { annotations } : {}),
        pod,
        container: own ?? {},
        volumes,
      }),
    )
  })

  test('replaces all pods at once, and finds them by labels that they have', () => {
    const { spec } = daemonSet('observability', 'probe', { pod: {}, container: {}, volumes: [] })

    expect(spec).toMatchObject({
      updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } },
      selector: { matchLabels: { service: 'probe', group: 'system' } },
      template: { metadata: { labels: expect.objectContaining({ service: 'probe', group: 'system' }) } },
    })
  })
})
