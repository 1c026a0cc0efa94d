import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { UserError } from '../../platform/errors.ts'
import { EDGE_TRY_MS } from '../../platform/manifests/haproxy-config.ts'
import { PORTS } from '../../platform/topology.ts'
import { parseConfig } from './config.ts'

const RECOMMENDER_DEADLINES = '../pipeline/pipeline/recommender/connections.py'

const HOST = { GW_UPSTREAM_HOST: 'recommender.experiment.svc.cluster.local' }

function messageOf(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    if (error instanceof UserError) return error.message
  }
  return ''
}

describe('parseConfig()', () => {
  test('needs no more than the upstream', () => {
    const config = parseConfig({ ...HOST, PATH: '/bin', GATEWAY_PORT: 'tcp://10.0.0.1:8080' })
    expect(config.upstream).toMatchObject({ host: HOST.GW_UPSTREAM_HOST, port: PORTS.recommender })
    expect(config.listen).toEqual({ host: '0.0.0.0', port: PORTS.gateway, metricsPort: PORTS.gatewayMetrics })
    expect(config.patience).toEqual({
      read: { tryMs: 300, deadlineMs: 1600 },
      write: { tryMs: 2000, deadlineMs: 2300 },
    })
  })

  test('nests the deadlines: edge above gateway above recommender above a statement of the database', () => {
    const { patience } = parseConfig(HOST)
    const recommender = readFileSync(join(import.meta.dirname, RECOMMENDER_DEADLINES), 'utf8')
    const inPython = (name: string) =>
      Number(recommender.match(new RegExp(`^${name} = ([0-9.]+)$`, 'm'))?.[1])
    const descending = (...steps: number[]) => expect(steps).toEqual(steps.toSorted((a, b) => b - a))

    descending(
      EDGE_TRY_MS.read,
      patience.read.deadlineMs,
      inPython('READ_DEADLINE_SECONDS') * 1000,
      inPython('READ_TIMEOUT_MS'),
    )
    descending(EDGE_TRY_MS.write, patience.write.deadlineMs, inPython('WRITE_TIMEOUT_MS'))
  })

  test('takes fractions where they make sense', () => {
    expect(parseConfig({ ...HOST, GW_RETRY_RATIO: '0.25' }).budget.ratio).toBe(0.25)
  })

  test('tells all problems at once, with value and range', () => {
    const wrong = {
      GW_UPSTREAM_HOST: 'two words',
      GW_READ_TRYMS: '5',
      GW_CONNECT_TIMEOUT_MS: '200ms',
      GW_LISTEN_PORT: '65536',
      GW_RETRY_RATIO: '1.5',
      GW_EJECT_FAILURES: '1.5',
      GW_WRITE_TRY_MS: '3000',
      GW_CONCURRENCY_MIN: '65',
    }
    const message = messageOf(() => parseConfig(wrong))
    expect(message.replace('Cannot start the gateway: ', '').split('; ').sort()).toEqual([
      'GW_CONCURRENCY_MIN must not be above GW_CONCURRENCY_MAX: 65 > 64',
      "GW_CONNECT_TIMEOUT_MS must be a whole number from 1 to 10000: current value is '200ms'",
      "GW_EJECT_FAILURES must be a whole number from 1 to 1000: current value is '1.5'",
      "GW_LISTEN_PORT must be a whole number from 0 to 65535: current value is '65536'",
      'GW_READ_TRYMS is unknown',
      "GW_RETRY_RATIO must be a number from 0 to 1: current value is '1.5'",
      "GW_UPSTREAM_HOST must be a DNS name or an IPv4 address: current value is 'two words'",
      'GW_WRITE_TRY_MS must not be above GW_WRITE_DEADLINE_MS: 3000 > 2300',
    ])
  })

  test('refuses to start without an upstream', () => {
    expect(() => parseConfig({})).toThrow('GW_UPSTREAM_HOST')
  })
})
