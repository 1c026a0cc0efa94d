/** What to ask for; read from both groups before the load starts, so every request has an answer in both. */
export type Catalogue = {
  /** MD5 of songs present in both groups; not empty. */
  readonly hashes: readonly string[]
  /** General MIDI programs (0 to 127, 128 = percussion) that some song plays; not empty. */
  readonly instruments: readonly number[]
}

export const READ_ROUTES = ['songs', 'song', 'similar', 'songs_by_instruments', 'instruments'] as const
export type ReadRoute = (typeof READ_ROUTES)[number]
export type Route = ReadRoute | 'play'

export type ReadRequest = { readonly route: ReadRoute; readonly path: string }
export type WriteRequest = {
  readonly route: 'play'
  readonly path: string
  readonly body: { readonly song: string }
}

/**
 * How often each read is asked for; adds up to 1. A listener mostly opens songs and what is like them, browses less,
 * and the list of instruments is fetched once in a while.
 */
export const READ_MIX: Readonly<Record<ReadRoute, number>> = {
  songs: 0.15,
  song: 0.4,
  similar: 0.25,
  songs_by_instruments: 0.1,
  instruments: 0.1,
}

/** Songs on a page. */
const PAGE_LIMIT = 20

/**
 * Request number `sequence` of the seeded sequence: the same in both groups, whatever else happens.
 *
 * @param seed unsigned 32-bit integer
 * @param sequence zero-based
 */
export function readRequest(seed: number, sequence: number, catalogue: Catalogue): ReadRequest {
  const next = randoms(seed, sequence)
  const route = pickRoute(next())
  switch (route) {
    case 'songs':
      return { route, path: `/songs?limit=${PAGE_LIMIT}` }
    case 'song':
      return { route, path: `/songs/${pick(catalogue.hashes, next())}` }
    case 'similar':
      return { route, path: `/songs/${pick(catalogue.hashes, next())}/similar` }
    case 'songs_by_instruments': {
      const wanted = [...new Set([pick(catalogue.instruments, next()), pick(catalogue.instruments, next())])]
      return { route, path: `/songs?instruments=${wanted.join(',')}&match=all&limit=${PAGE_LIMIT}` }
    }
    case 'instruments':
      return { route, path: '/instruments' }
  }
}

/** Write number `sequence`: somebody listened to a song. */
export function writeRequest(seed: number, sequence: number, catalogue: Catalogue): WriteRequest {
  const next = randoms(seed, sequence)
  return { route: 'play', path: '/plays', body: { song: pick(catalogue.hashes, next()) } }
}

function pickRoute(random: number): ReadRoute {
  let rest = random
  for (const route of READ_ROUTES) {
    rest -= READ_MIX[route]
    if (rest < 0) return route
  }
  return 'song'
}

function pick<T>(values: readonly T[], random: number): T {
  const value = values[Math.floor(random * values.length)]
  if (value === undefined)
    throw new Error(`Cannot pick a request: the list to pick from has ${values.length} values`)
  return value
}

/**
 * Random numbers in [0, 1) that depend on (seed, sequence) alone, so that no state is shared between virtual users.
 *
 * @see Steele, Lea & Flood 2014, SplitMix, with the 32-bit finalizer of MurmurHash3
 */
function randoms(seed: number, sequence: number): () => number {
  let state = (mix(seed) ^ mix(sequence ^ 0x9e3779b9)) >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    return mix(state) / 2 ** 32
  }
}

function mix(value: number): number {
  let z = value >>> 0
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}
