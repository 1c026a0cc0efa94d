import { describe, expect, test } from '@jest/globals'
import type { AlertRules } from './alert-fold.ts'
import { alertsMessage, notificationMessage, toldAlert } from './alert-message.ts'

const RULES: AlertRules = { evaluationMs: 5_000, resendMs: 60_000, refireMs: 300_000 }
const T = Date.UTC(2026, 10, 21, 14)
const LABELS = { alertname: 'A', group: 'control' }

function told(message: object, receivedMs = T, offsetMs = 0) {
  const [alert] = alertsMessage.parse([{ labels: LABELS, ...message }])
  if (alert === undefined) throw new Error('no alert')
  return toldAlert(alert, RULES, receivedMs, offsetMs)
}

describe('toldAlert()', () => {
  test('takes for firing what holds until later, and for resolved what has ended', () => {
    const startsAt = '2026-11-21T13:59:00.123Z'
    expect(told({ startsAt, endsAt: '2026-11-21T14:03:50Z' })).toMatchObject({
      kind: 'firing',
      startsMs: T - 59_877,
      // Four minutes of patience after the last evaluation.
      sourceMs: T - 10_000,
    })
    expect(told({ startsAt, endsAt: '2026-11-21T13:59:55Z' })).toMatchObject({
      kind: 'resolved',
      endsMs: T - 5_000,
      sourceMs: T - 5_000,
    })
  })

  test('does not speak of later than now when a group of rules has a longer interval', () => {
    const message = { startsAt: '2026-11-21T13:50:00Z', endsAt: '2026-11-21T14:08:00Z' }
    expect(told(message).sourceMs).toBe(T)
    expect(told(message, T, 2_000).sourceMs).toBe(T + 2_000)
  })

  test('judges by the clock of who sent it', () => {
    const message = { startsAt: '2026-11-21T13:00:00Z', endsAt: '2026-11-21T14:00:20Z' }
    expect(told(message, T, 0).kind).toBe('firing')
    expect(told(message, T, 30_000).kind).toBe('resolved')
  })

  test('takes an alert without an end for firing, also when Go writes the year 1', () => {
    const kinds = [{}, { endsAt: '0001-01-01T00:00:00Z' }].map(message => told(message))
    expect(kinds).toEqual([
      expect.objectContaining({ kind: 'firing', startsMs: T, endsMs: T + 240_000 }),
      expect.objectContaining({ kind: 'firing', startsMs: T, endsMs: T + 240_000 }),
    ])
  })

  test('lets no address pass that a browser would run', () => {
    expect(told({ generatorURL: 'javascript:alert(1)' }).generatorUrl).toBeNull()
    expect(told({ generatorURL: 'http://prometheus/graph' }).generatorUrl).toBe('http://prometheus/graph')
  })
})

describe('alertsMessage', () => {
  test.each([
    { title: 'an alert without a name', message: [{ labels: { group: 'control' } }] },
    { title: 'a value that is not text', message: [{ labels: { alertname: 'A', n: 1 } }] },
    { title: 'a label longer than allowed', message: [{ labels: { alertname: 'A', l: 'x'.repeat(1_025) } }] },
    { title: 'an instant that is none', message: [{ labels: LABELS, startsAt: 'yesterday' }] },
    { title: 'what is not a list', message: { labels: LABELS } },
  ])('refuses $title', ({ message }) => {
    expect(alertsMessage.safeParse(message).success).toBe(false)
  })
})

describe('notificationMessage', () => {
  test("reads Alertmanager's webhook, whatever else stands in it", () => {
    const message = {
      version: '4',
      groupKey: '{}:{alertname="A"}',
      truncatedAlerts: 0,
      status: 'firing',
      receiver: 'person',
      groupLabels: {},
      alerts: [
        {
          status: 'firing',
          labels: LABELS,
          annotations: {},
          startsAt: '2026-11-21T14:00:00Z',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: 'http://prometheus/graph',
          fingerprint: 'c5b2',
        },
      ],
    }
    expect(notificationMessage.parse(message).alerts[0]?.startsAt).toBe(T)
  })
})
