/*
 * Machine code (x86-64) of skew.c, made by gcc 12.2.0:
 *
 *   gcc -Os -fPIC -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -ffreestanding \
 *     -c skew.c -o skew.o
 *   objcopy -O binary --only-section=.clock_gettime skew.o clock_gettime     (and so on)
 *
 * It stands here because an agent has no compiler; a test compiles it again where that gcc is.
 */
export const SKEWED_FUNCTIONS = {
  __vdso_clock_gettime:
    'b8e40000000f0589c185c0753c85ff740583ff05753348b80277665544332211' +
    '4803460848ba0177665544332211480316483dffc99a3b7e09482d00ca9a3b48' +
    'ffc24889164889460889c8c3',
  __vdso_gettimeofday:
    'b8600000000f054189c085c075424885ff743d48b80277665544332211bee803' +
    '0000489948f7fe48b9017766554433221148030f48034708483d3f420f007e09' +
    '482d40420f0048ffc148890f488947084489c0c3',
  __vdso_time:
    '4889fa488d7424f0b8e400000031ff0f0548b9027766554433221148034c24f8' +
    '48b8017766554433221148034424f04881f9ffc99a3b7e0348ffc04885d27403' +
    '488902c3',
} as const
export type SkewedFunction = keyof typeof SKEWED_FUNCTIONS

const SECONDS_PLACE = littleEndian(0x1122334455667701n)
const NANOSECONDS_PLACE = littleEndian(0x1122334455667702n)
const NANOSECONDS_PER_MS = 1_000_000

/** The function with `offsetMs` (milliseconds, any integer) in the two places that skew.c marks for it. */
export function skewedFunction(name: SkewedFunction, offsetMs: number): Buffer {
  const code = Buffer.from(SKEWED_FUNCTIONS[name], 'hex')
  const seconds = Math.floor(offsetMs / 1000)
  const nanoseconds = (offsetMs - seconds * 1000) * NANOSECONDS_PER_MS
  code.writeBigInt64LE(BigInt(seconds), code.indexOf(SECONDS_PLACE))
  code.writeBigInt64LE(BigInt(nanoseconds), code.indexOf(NANOSECONDS_PLACE))
  return code
}

function littleEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}
