import { describe, expect, test } from '@jest/globals'
import { rampOptions, seed, soakOptions } from './load-options.ts'

describe('rampOptions()', () => {
  test('has a default for everything: both groups, past the rates at which the original broke', () => {
    expect(rampOptions({})).toEqual({
      groups: ['control', 'experiment'],
      ratesPerSecond: [50, 100, 200, 350, 500, 750, 1000],
      stepSeconds: 20,
      limits: { failedShare: 0.01, p95Ms: 500 },
      writeShare: 0,
      seed: 1,
    })
  })

  test('takes what it is given', () => {
    const given = {
      groups: 'experiment',
      rates: '10,20.5',
      step: '5',
      failed: '0',
      p95: '250',
      writes: '0.2',
      seed: '9',
    }
    expect(rampOptions(given)).toEqual({
      groups: ['experiment'],
      ratesPerSecond: [10, 20.5],
      stepSeconds: 5,
      limits: { failedShare: 0, p95Ms: 250 },
      writeShare: 0.2,
      seed: 9,
    })
  })

  test.each([
    [{ groups: 'control,other' }, "--groups is 'control,other'; allowed: control, experiment or both"],
    [{ groups: 'control,control' }, '--groups'],
    [{ rates: '10,,20' }, "--rates is ''"],
    [{ rates: '10001' }, 'at most 10000'],
    [{ step: '0' }, "--step is '0'"],
    [{ p95: 'fast' }, "--p95 is 'fast'"],
    [{ failed: '1' }, "--failed is '1'"],
    [{ writes: '-0.1' }, "--writes is '-0.1'"],
    [{ seed: '1.5' }, "--seed is '1.5'"],
  ])('refuses %j', (given, told) => {
    expect(() => rampOptions(given)).toThrow(told)
  })
})

describe('soakOptions()', () => {
  test('takes what it is given, and has a default for the rest', () => {
    expect(soakOptions({ rate: '20' })).toEqual({
      requestsPerSecond: 20,
      durationSeconds: 3600,
      writeShare: 0.1,
      seed: 1,
    })
  })

  test('refuses what is no duration', () => {
    expect(() => soakOptions({ duration: '1 h' })).toThrow("--duration is '1 h'")
  })
})

describe('seed()', () => {
  test.each(['abc', '', '-1', '1.5', '4294967296'])('refuses %p, in the words of the command', text => {
    expect(() => seed(text, 'inject')).toThrow(
      expect.objectContaining({
        code: 'INJECT_OPTION',
        message: expect.stringContaining(`Cannot inject: --seed is '${text}'`),
        hint: "See 'divergence inject --help'.",
      }),
    )
  })
})
