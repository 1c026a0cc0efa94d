import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { arch } from 'node:process'
import { type SkewedFunction, skewedFunction } from './skewed-functions.ts'

/*
 * The vDSO is the page of functions that the kernel lays into every process so that it can read the clock without a
 * call. Every process has the same bytes; each may have its own copy. This process' copy is what others get back.
 */

const ELF_SECTION_BYTES = 64
const ELF_SYMBOL_BYTES = 24
const ELF_DYNAMIC_SYMBOLS = 11
const JUMP_BYTES = 5

export type Mapping = { readonly start: number; readonly end: number }
type Place = { readonly offset: number; readonly bytes: number }

/** Part of a vDSO that is overwritten. */
export type Patch = { readonly offset: number; readonly code: Buffer }

/** Where a process has its vDSO; null: it has none (a thread of the kernel, or it is gone). */
export function vdsoMapping(pid: number | 'self'): Mapping | null {
  let maps: string
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'utf8')
  } catch {
    return null
  }
  const range = maps.match(/^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m)
  if (range?.[1] === undefined || range[2] === undefined) return null
  return { start: Number.parseInt(range[1], 16), end: Number.parseInt(range[2], 16) }
}

/** The kernel's own bytes, as this process has them. @throws Error without a vDSO */
export function ownVdso(): Buffer {
  const mapping = vdsoMapping('self')
  if (mapping === null) throw new Error('Cannot read the vDSO: the kernel gives this process none')
  const memory = openSync('/proc/self/mem', 'r')
  try {
    const bytes = Buffer.alloc(mapping.end - mapping.start)
    readSync(memory, bytes, 0, bytes.length, mapping.start)
    return bytes
  } finally {
    closeSync(memory)
  }
}

/** Functions of a vDSO by name. @throws Error when the bytes are no 64-bit ELF */
export function vdsoFunctions(vdso: Buffer): ReadonlyMap<string, Place> {
  if (vdso.toString('latin1', 0, 4) !== '\x7fELF' || vdso[4] !== 2) {
    throw new Error('Cannot read the vDSO: it is no 64-bit ELF file')
  }
  const sections = Number(vdso.readBigUInt64LE(40))
  const section = (index: number) => {
    const at = sections + index * ELF_SECTION_BYTES
    return {
      type: vdso.readUInt32LE(at + 4),
      offset: Number(vdso.readBigUInt64LE(at + 24)),
      bytes: Number(vdso.readBigUInt64LE(at + 32)),
      link: vdso.readUInt32LE(at + 40),
    }
  }
  const functions = new Map<string, Place>()
  for (let index = 0; index < vdso.readUInt16LE(60); index++) {
    const table = section(index)
    if (table.type !== ELF_DYNAMIC_SYMBOLS) continue
    const names = section(table.link).offset
    for (let at = table.offset; at < table.offset + table.bytes; at += ELF_SYMBOL_BYTES) {
      const name = names + vdso.readUInt32LE(at)
      functions.set(vdso.toString('latin1', name, vdso.indexOf(0, name)), {
        offset: Number(vdso.readBigUInt64LE(at + 8)),
        bytes: Number(vdso.readBigUInt64LE(at + 16)),
      })
    }
  }
  return functions
}

/**
 * What to write over a vDSO so that its clock is `offsetMs` away. A function that does not fit into its own place goes
 * behind the new `clock_gettime`, which is much shorter than the kernel's, and a jump leads there.
 *
 * @throws Error when a function is not there, or there is no room
 */
export function clockPatches(vdso: Buffer, offsetMs: number): readonly Patch[] {
  const functions = vdsoFunctions(vdso)
  const placeOf = (name: SkewedFunction) => {
    const place = functions.get(name)
    if (place === undefined) throw new Error(`Cannot change the clock: this kernel's vDSO has no ${name}`)
    return place
  }
  const main = placeOf('__vdso_clock_gettime')
  const mainCode = skewedFunction('__vdso_clock_gettime', offsetMs)
  const patches: Patch[] = [{ offset: main.offset, code: mainCode }]
  let free = main.offset + mainCode.length
  const put = (code: Buffer) => {
    free = Math.ceil(free / 16) * 16
    const offset = free
    free += code.length
    if (free > main.offset + main.bytes) {
      throw new Error(
        `Cannot change the clock: this kernel's __vdso_clock_gettime has ${main.bytes} bytes, ${free - main.offset} are needed`,
      )
    }
    patches.push({ offset, code })
    return offset
  }
  if (free > main.offset + main.bytes) put(Buffer.alloc(0))
  for (const name of ['__vdso_gettimeofday', '__vdso_time'] as const) {
    const place = placeOf(name)
    const code = skewedFunction(name, offsetMs)
    if (code.length <= place.bytes) patches.push({ offset: place.offset, code })
    else patches.push({ offset: place.offset, code: jump(put(code) - (place.offset + JUMP_BYTES)) })
  }
  return patches
}

/** A vDSO with patches applied; the one given stays as it is. */
export function patched(vdso: Buffer, patches: readonly Patch[]): Buffer {
  const copy = Buffer.from(vdso)
  for (const { offset, code } of patches) code.copy(copy, offset)
  return copy
}

/** Whether clocks can be changed on this machine, and why not. */
export function vdsoClockCapability(): { readonly has: boolean; readonly detail: string } {
  if (arch !== 'x64') return { has: false, detail: `the replacement is x86-64 code, this is ${arch}` }
  try {
    clockPatches(ownVdso(), 1)
    return { has: true, detail: 'the functions of the vDSO can be replaced' }
  } catch (error) {
    return { has: false, detail: (error as Error).message }
  }
}

function jump(distance: number): Buffer {
  const code = Buffer.from([0xe9, 0, 0, 0, 0])
  code.writeInt32LE(distance, 1)
  return code
}
