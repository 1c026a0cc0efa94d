import { describe, expect, test } from '@jest/globals'
import { exitCodeOf } from './pod-programs.ts'

describe('exitCodeOf()', () => {
  test.each([
    { title: 'is 0 for success', status: { status: 'Success' }, expected: 0 },
    {
      title: 'is what the program ended with',
      status: { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '2' }] } },
      expected: 2,
    },
    {
      title: 'is not there for a program that never ran',
      status: { status: 'Failure', message: 'no such file', details: { causes: [] } },
      expected: undefined,
    },
  ])('$title', ({ status, expected }) => {
    expect(exitCodeOf(status)).toBe(expected)
  })
})
