import { describe, expect, test } from '@jest/globals'
import { diagnosticsLogger } from './diagnostics.ts'

describe('diagnosticsLogger()', () => {
  test('tells of a trouble once a minute, and how often it came meanwhile', () => {
    let nowMs = 0
    const told: unknown[] = []
    const logger = diagnosticsLogger(
      fields => told.push(fields),
      () => nowMs,
    )
    for (let count = 0; count < 5; count++) logger.error('cannot send', new Error('away'))
    nowMs = 60_000
    logger.error('cannot send', new Error('away'))

    expect(told).toEqual([
      { level: 'error', message: 'cannot send Error: away', suppressed: 0 },
      { level: 'error', message: 'cannot send Error: away', suppressed: 4 },
    ])
  })

  test('cuts what is long, removes secrets, and leaves out what is no trouble', () => {
    const told: { message?: unknown }[] = []
    const logger = diagnosticsLogger(
      fields => told.push(fields),
      () => 0,
    )
    logger.info('started')
    logger.debug('sent')
    logger.warn(`http://key@oncall:8070 ${'x'.repeat(1000)}`)

    expect(told).toHaveLength(1)
    expect(String(told[0]?.message)).toMatch(/^http:\/\/\[removed\]@oncall:8070 x+$/)
    expect(String(told[0]?.message)).toHaveLength(300)
  })
})
