import { describe, expect, test } from '@jest/globals'
import { SKEWED_FUNCTIONS } from './skewed-functions.ts'
import { clockPatches, patched, vdsoClockCapability, vdsoFunctions } from './vdso.ts'

const LENGTHS = Object.values(SKEWED_FUNCTIONS).map(code => code.length / 2)
const [GETTIME = 0, GETTIMEOFDAY = 0, TIME = 0] = LENGTHS

describe('vdsoFunctions()', () => {
  test('finds functions by name', () => {
    const functions = vdsoFunctions(elf({ __vdso_time: [0x400, 40], __vdso_getcpu: [0x500, 44] }))
    expect(functions.get('__vdso_time')).toEqual({ offset: 0x400, bytes: 40 })
    expect(functions.get('__vdso_getcpu')).toEqual({ offset: 0x500, bytes: 44 })
  })

  test('refuses what is no 64-bit ELF', () => {
    const program32 = elf({})
    program32[4] = 1
    expect(() => vdsoFunctions(program32)).toThrow('no 64-bit ELF')
    expect(() => vdsoFunctions(Buffer.alloc(64))).toThrow('no 64-bit ELF')
  })
})

describe('clockPatches()', () => {
  test('puts each function into its own place when all fit', () => {
    const vdso = elf({
      __vdso_gettimeofday: [0x400, 200],
      __vdso_time: [0x500, 100],
      __vdso_clock_gettime: [0x600, 900],
    })
    const patches = clockPatches(vdso, 1000)
    expect(patches.map(({ offset, code }) => [offset, code.length])).toEqual([
      [0x600, GETTIME],
      [0x400, GETTIMEOFDAY],
      [0x500, TIME],
    ])
    const changed = patched(vdso, patches)
    expect(changed.subarray(0, 0x400)).toEqual(vdso.subarray(0, 0x400))
    expect(changed.equals(vdso)).toBe(false)
  })

  test('leads from a short place to one behind the new clock_gettime', () => {
    const vdso = elf({
      __vdso_gettimeofday: [0x400, 200],
      __vdso_time: [0x500, 40],
      __vdso_clock_gettime: [0x600, 900],
    })
    const patches = clockPatches(vdso, 1000)
    const body = patches.find(({ code }) => code.length === TIME)
    const jump = patches.find(({ offset }) => offset === 0x500)
    // After the first function, at the next multiple of 16.
    expect(body?.offset).toBe(0x600 + Math.ceil(GETTIME / 16) * 16)
    expect(jump?.code[0]).toBe(0xe9)
    expect(0x505 + (jump?.code.readInt32LE(1) ?? 0)).toBe(body?.offset)
  })

  test('refuses a kernel with no room, or without a function', () => {
    const short = { __vdso_gettimeofday: [0x400, 200], __vdso_time: [0x500, 40] } as const
    expect(() => clockPatches(elf({ ...short, __vdso_clock_gettime: [0x600, 100] }), 1)).toThrow('are needed')
    expect(() => clockPatches(elf({ ...short, __vdso_clock_gettime: [0x600, 40] }), 1)).toThrow('are needed')
    expect(() => clockPatches(elf(short), 1)).toThrow('has no __vdso_clock_gettime')
  })
})

describe('vdsoClockCapability()', () => {
  test('is there where these tests run', () => {
    expect(vdsoClockCapability()).toEqual({ has: true, detail: expect.any(String) })
  })
})

/** An ELF file with nothing but a table of dynamic symbols. */
function elf(functions: Readonly<Record<string, readonly [offset: number, bytes: number]>>): Buffer {
  const file = Buffer.alloc(0x1000, 0xcc)
  const [sections, symbols, names] = [0x80, 0x140, 0x300]
  file.fill(0, 0, 0x400)
  file.write('\x7fELF\x02', 0, 'latin1')
  file.writeBigUInt64LE(BigInt(sections), 40)
  file.writeUInt16LE(2, 60)
  const section = (index: number, type: number, offset: number, bytes: number, link: number) => {
    const at = sections + 64 * index
    file.writeUInt32LE(type, at + 4)
    file.writeBigUInt64LE(BigInt(offset), at + 24)
    file.writeBigUInt64LE(BigInt(bytes), at + 32)
    file.writeUInt32LE(link, at + 40)
  }
  const entries = Object.entries(functions)
  section(0, 11, symbols, 24 * entries.length, 1)
  section(1, 3, names, 0x100, 0)
  let name = 1
  for (const [index, [text, [offset, bytes]]] of entries.entries()) {
    const at = symbols + 24 * index
    file.writeUInt32LE(name, at)
    file.writeBigUInt64LE(BigInt(offset), at + 8)
    file.writeBigUInt64LE(BigInt(bytes), at + 16)
    name += file.write(text, names + name, 'latin1') + 1
  }
  return file
}
