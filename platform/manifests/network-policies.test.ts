import { describe, expect, test } from '@jest/globals'
import { OBJECTS } from './planned-pods.ts'

describe('network policies', () => {
  /** Services that may open a connection to `service` of the control group; `*` is anybody. */
  const callersOf = (service: string, port: number): readonly string[] => {
    const policy = OBJECTS.find(
      ({ kind, metadata }) =>
        kind === 'NetworkPolicy' && metadata.namespace === 'control' && metadata.name === service,
    )
    type Peer = { podSelector: { matchLabels: { group: string; service: string } } }
    const spec = policy?.spec as { ingress: { from?: Peer[]; ports?: { port: number }[] }[] } | undefined
    return (spec?.ingress ?? [])
      .filter(rule => rule.ports?.some(each => each.port === port))
      .flatMap(rule => rule.from?.map(peer => peer.podSelector.matchLabels.service) ?? ['*'])
  }

  test('make the edge the only open door, and the gateway the only one to the recommender', () => {
    expect(callersOf('edge', 8080)).toEqual(['*'])
    expect(callersOf('gateway', 8080)).toEqual(['edge'])
    expect(callersOf('recommender', 8000)).toEqual(['gateway', 'prometheus'])
    expect(callersOf('database', 5432)).toEqual(['recommender', 'migrate', 'ingest', 'database'])
  })

  test('close everything else in every namespace', () => {
    const closed = OBJECTS.filter(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'deny-all',
    )

    expect(closed.map(({ metadata, spec }) => [metadata.namespace, spec])).toEqual(
      ['control', 'experiment', 'observability', 'chaos'].map(namespace => [
        namespace,
        { podSelector: {}, policyTypes: ['Ingress'] },
      ]),
    )
  })
})
