/** Source of numbers in [0, 1). Handed in wherever chance is needed, so that every result can be had again. */
export type Random = () => number

/**
 * Seeded generator: sfc32, 128 bits of state, filled from the seed by splitmix32.
 * The same seed gives the same numbers on every machine, because only 32-bit integer arithmetic is used.
 *
 * @param seed unsigned 32-bit integer
 * @param stream separates generators that share a seed; unsigned 32-bit integer
 * @see Doty-Humphrey 2010, PractRand (sfc); Steele, Lea & Flood 2014, OOPSLA (splitmix)
 */
export function seededRandom(seed: number, stream = 0): Random {
  let mixed = (seed ^ Math.imul(stream, 0x85ebca6b)) | 0
  const splitmix = () => {
    mixed = (mixed + 0x9e3779b9) | 0
    let word = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return word ^ (word >>> 15)
  }
  let a = splitmix()
  let b = splitmix()
  let c = splitmix()
  let counter = 1
  const next = () => {
    const word = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + word
    c |= 0
    return (word >>> 0) / 0x1_0000_0000
  }
  // The first outputs still resemble the seed.
  for (let round = 0; round < 12; round++) next()
  return next
}
