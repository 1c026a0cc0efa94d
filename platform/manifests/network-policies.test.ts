import { describe, expect, test } from '@jest/globals'
import { OBJECTS } from './planned-pods.ts'

describe('network policies', () => {
  /** Services that are named as callers of `service` on this port, by default of the control group; `*` is anybody. */
  const callersOf = (service: string, port: number, namespace = 'control'): readonly string[] => {
    const policy = OBJECTS.find(
      ({ kind, metadata }) =>
        kind === 'NetworkPolicy' && metadata.namespace === namespace && metadata.name === service,
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

  test('let people look at the stores, and only oncall into its database', () => {
    const callers = (service: string, port: number) => callersOf(service, port, 'observability')

    expect(callers('oncall-database', 5432)).toEqual(['oncall'])
    expect(callers('object-state', 9101)).toEqual(['prometheus'])
    expect([callers('oncall', 8070), callers('zipkin', 9411), callers('alertmanager', 9093)]).toEqual([
      ['*'],
      ['*'],
      ['*'],
    ])
    expect(callersOf('database', 9187)).toEqual(['prometheus'])
  })

  test('let the probers reach what they ask, on any port: an echo has none', () => {
    const open = OBJECTS.filter(
      ({ kind, spec }) =>
        kind === 'NetworkPolicy' &&
        JSON.stringify((spec as { ingress?: unknown }).ingress ?? '').includes('blackbox'),
    )

    expect(open.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      ...['control', 'experiment'].flatMap(group =>
        ['gateway', 'recommender', 'database'].map(service => `${group}/${service}`),
      ),
      'observability/blackbox',
    ])
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
