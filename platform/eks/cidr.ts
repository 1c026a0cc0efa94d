/** Bits of an IPv4 address. */
const BITS = 32

/** A range of IPv4 addresses. */
export type Range = {
  /** First address as a number, 0 to 2^32 - 1. */
  readonly first: number
  /** Bits that all addresses of the range have in common, 0 to 32. */
  readonly prefix: number
}

/** @throws RangeError when `text` is no IPv4 range, or has bits beyond its prefix */
export function parseCidr(text: string): Range {
  const [, ...parts] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text) ?? []
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = parts.map(Number)
  if (Math.max(a, b, c, d) > 255 || prefix > BITS) {
    throw new RangeError(`'${text}' is no IPv4 range such as 203.0.113.0/24`)
  }
  const first = ((a * 256 + b) * 256 + c) * 256 + d
  const beyond = first % sizeOf(prefix)
  if (beyond === 0) return { first, prefix }
  throw new RangeError(
    `'${text}' has bits beyond its prefix; the range is ${formatCidr({ first: first - beyond, prefix })}`,
  )
}

export function formatCidr({ first, prefix }: Range): string {
  const bytes = [24, 16, 8, 0].map(shift => Math.floor(first / 2 ** shift) % 256)
  return `${bytes.join('.')}/${prefix}`
}

/**
 * The part of a range that has number `index` when it is cut into equal parts.
 *
 * @param prefix of the parts, at least the range's own
 * @param index from 0
 * @throws RangeError when the range has no such part
 */
export function partOf(range: Range, prefix: number, index: number): Range {
  const parts = 2 ** (prefix - range.prefix)
  if (parts >= 1 && index >= 0 && index < parts)
    return { first: range.first + index * sizeOf(prefix), prefix }
  throw new RangeError(
    `Cannot take part ${index} of ${formatCidr(range)} in parts of /${prefix}: it has ${parts}`,
  )
}

/** Whether any address is in both. */
export function overlap(one: Range, other: Range): boolean {
  return one.first < other.first + sizeOf(other.prefix) && other.first < one.first + sizeOf(one.prefix)
}

/** Subnets of one zone, as CIDRs. */
export type ZoneSubnets = {
  /** Nodes and pods: every pod has an address of its own here. */
  readonly private: string
  /** The zone's NAT gateway, and nothing else of ours. */
  readonly public: string
}

/** Of private subnets: 8,192 addresses a zone. */
const PRIVATE_PREFIX = 19
/** Of public subnets: 256 addresses a zone. */
const PUBLIC_PREFIX = 24
/** Public subnets begin at three quarters of the network. */
const FIRST_PUBLIC = 192

/**
 * Subnets of each zone, one after the other.
 *
 * @param network a /16
 * @param zones 1 to 6: so many private subnets lie below the public ones
 */
export function zoneSubnets(network: string, zones: number): readonly ZoneSubnets[] {
  const range = parseCidr(network)
  return Array.from({ length: zones }, (_, index) => ({
    private: formatCidr(partOf(range, PRIVATE_PREFIX, index)),
    public: formatCidr(partOf(range, PUBLIC_PREFIX, FIRST_PUBLIC + index)),
  }))
}

/** Addresses in a range. */
function sizeOf(prefix: number): number {
  return 2 ** (BITS - prefix)
}
