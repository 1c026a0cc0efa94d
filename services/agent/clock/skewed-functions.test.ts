import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { SKEWED_FUNCTIONS, type SkewedFunction, skewedFunction } from './skewed-functions.ts'

const NAMES = Object.keys(SKEWED_FUNCTIONS) as SkewedFunction[]
const COMPILER = '12.2.0'

describe('skewedFunction()', () => {
  test.each([
    { offsetMs: 1500, seconds: 1n, nanoseconds: 500_000_000n },
    { offsetMs: -1, seconds: -1n, nanoseconds: 999_000_000n },
    { offsetMs: -86_400_000, seconds: -86_400n, nanoseconds: 0n },
  ])('puts $offsetMs ms in the places that skew.c marks', ({ offsetMs, seconds, nanoseconds }) => {
    for (const name of NAMES) {
      const source = Buffer.from(SKEWED_FUNCTIONS[name], 'hex')
      const code = skewedFunction(name, offsetMs)
      const placeOf = (lowByte: number) =>
        source.indexOf(Buffer.from([lowByte, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]))
      expect(code.readBigInt64LE(placeOf(1))).toBe(seconds)
      expect(code.readBigInt64LE(placeOf(2))).toBe(nanoseconds)
      expect(code).toHaveLength(source.length)
      expect(code.includes(Buffer.from([0x77, 0x66, 0x55, 0x44]))).toBe(false)
    }
  })
})

describe('SKEWED_FUNCTIONS', () => {
  // Another compiler makes other code of the same meaning; what the code does is tested with setClock().
  test(`are what gcc ${COMPILER} makes of skew.c, where it is there`, () => {
    if (compilerVersion() !== COMPILER) return
    const folder = mkdtempSync(join(tmpdir(), 'skew-'))
    try {
      const object = join(folder, 'skew.o')
      const source = new URL('./skew.c', import.meta.url).pathname
      execFileSync('gcc', [
        ...['-Os', '-fPIC', '-fno-builtin', '-fno-stack-protector', '-fno-asynchronous-unwind-tables'],
        ...['-fcf-protection=none', '-ffreestanding', '-c', source, '-o', object],
      ])
      for (const name of NAMES) {
        const code = join(folder, name)
        const section = name.replace('__vdso_', '.')
        execFileSync('objcopy', ['-O', 'binary', `--only-section=${section}`, object, code])
        expect(readFileSync(code).toString('hex')).toBe(SKEWED_FUNCTIONS[name])
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

function compilerVersion(): string | null {
  try {
    return execFileSync('gcc', ['-dumpfullversion'], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}
