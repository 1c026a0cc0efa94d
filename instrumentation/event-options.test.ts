import { describe, expect, test } from '@jest/globals'
import type { ErrorEvent } from '@sentry/node'
import { eventOptions, finishEvent } from './event-options.ts'

const event = (parts: Partial<ErrorEvent>): ErrorEvent => ({ type: undefined, ...parts })

describe('eventOptions()', () => {
  const options = eventOptions(
    { dsn: 'http://key@oncall.test/1', release: 'r', environment: 'experiment' },
    { service: 'gateway', group: 'experiment', zone: 'b', node: 'experiment-b', pod: 'gateway-1' },
  )

  test('leave traces and modules to OpenTelemetry', () => {
    expect(options).toMatchObject({ enableRuntimeChannelInjection: false, sendClientReports: false })
    expect(options).not.toHaveProperty('tracesSampleRate')
  })

  test('tag each event with where it happened', () => {
    expect(options).toMatchObject({
      release: 'r',
      environment: 'experiment',
      serverName: 'gateway-1',
      initialScope: { tags: { service: 'gateway', group: 'experiment', zone: 'b', node: 'experiment-b' } },
    })
  })
})

describe('finishEvent()', () => {
  test('names the transaction by the route, never by the raw URL', () => {
    const tags = { method: 'GET', route: '/songs/:hash' }
    const finished = finishEvent(
      event({ tags, transaction: 'GET /songs/0123', request: { url: '/songs/0123' } }),
    )

    expect(finished.transaction).toBe('GET /songs/:hash')
    expect(finished).not.toHaveProperty('request')
    expect(finishEvent(event({ transaction: 'GET /songs/0123' }))).not.toHaveProperty('transaction')
  })

  test('keeps a given fingerprint, otherwise parts by route', () => {
    expect(finishEvent(event({ fingerprint: ['mine'] })).fingerprint).toEqual(['mine'])
    expect(finishEvent(event({ tags: { route: '/songs' } })).fingerprint).toEqual(['{{ default }}', '/songs'])
    expect(finishEvent(event({})).fingerprint).toEqual(['{{ default }}'])
  })

  test('takes secrets out of everything that a program said', () => {
    const secret = 'postgres://owner:s3cret@database/songs'
    const finished = finishEvent(
      event({
        message: secret,
        exception: {
          values: [{ type: 'Error', value: secret, stacktrace: { frames: [{ vars: { password: 'x' } }] } }],
        },
        breadcrumbs: [{ message: secret, data: { token: 'x' } }],
        extra: { apiKey: 'x' },
        tags: { hint: secret },
        contexts: { app: { authorization: 'x' } },
      }),
    )

    expect(JSON.stringify(finished)).not.toMatch(/s3cret|"x"/)
    expect(finished.exception?.values?.[0]?.value).toBe('postgres://[removed]@database/songs')
  })
})
