import { describe, expect, test } from '@jest/globals'
import { type Catalogue, READ_MIX, READ_ROUTES, readRequest, writeRequest } from './requests.ts'

const catalogue: Catalogue = {
  hashes: Array.from({ length: 50 }, (_, index) => index.toString(16).padStart(32, '0')),
  instruments: [0, 24, 128],
}
const sequences = Array.from({ length: 20_000 }, (_, index) => index)

describe('readRequest()', () => {
  test('is the same request for the same seed and sequence, in whatever order it is asked', () => {
    const forward = sequences.slice(0, 100).map(sequence => readRequest(7, sequence, catalogue))
    const backward = sequences
      .slice(0, 100)
      .reverse()
      .map(sequence => readRequest(7, sequence, catalogue))
      .reverse()
    expect(backward).toEqual(forward)
  })

  test('is another sequence for another seed', () => {
    const paths = (seed: number) =>
      sequences.slice(0, 50).map(sequence => readRequest(seed, sequence, catalogue).path)
    expect(paths(1)).not.toEqual(paths(2))
  })

  test('asks for every route as often as the mix says', () => {
    const counts = new Map<string, number>()
    for (const sequence of sequences) {
      const { route } = readRequest(7, sequence, catalogue)
      counts.set(route, (counts.get(route) ?? 0) + 1)
    }
    // 20,000 draws: 4 standard deviations of a share of 0.4 are 0.014.
    for (const route of READ_ROUTES) {
      expect(Math.abs((counts.get(route) ?? 0) / sequences.length - READ_MIX[route])).toBeLessThan(0.014)
    }
  })

  test('reaches every song', () => {
    const asked = new Set(
      sequences
        .map(sequence => readRequest(7, sequence, catalogue))
        .filter(({ route }) => route === 'song')
        .map(({ path }) => path),
    )
    expect(asked.size).toBe(catalogue.hashes.length)
  })

  test('never asks for the same instrument twice in a request', () => {
    for (const sequence of sequences) {
      const { route, path } = readRequest(7, sequence, catalogue)
      if (route !== 'songs_by_instruments') continue
      const wanted = new URLSearchParams(path.slice(path.indexOf('?'))).get('instruments')?.split(',') ?? []
      expect(new Set(wanted).size).toBe(wanted.length)
    }
  })

  test('refuses an empty catalogue instead of asking for "undefined"', () => {
    const empty = { hashes: [], instruments: [] }
    expect(() => sequences.slice(0, 50).map(sequence => readRequest(7, sequence, empty))).toThrow('0 values')
  })
})

describe('READ_MIX', () => {
  test('adds up to 1', () => {
    expect(Object.values(READ_MIX).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
  })
})

describe('writeRequest()', () => {
  test('plays a song of the catalogue', () => {
    const { body } = writeRequest(7, 3, catalogue)
    expect(catalogue.hashes).toContain(Object.values(body)[0])
  })
})
