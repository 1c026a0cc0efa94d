import { describe, expect, test } from '@jest/globals'
import { formatCidr, overlap, parseCidr, partOf, zoneSubnets } from './cidr.ts'

describe('parseCidr()', () => {
  test.each([
    // 10 * 2^24 + 77 * 2^16 = 167772160 + 5046272
    { text: '10.77.0.0/16', range: { first: 172818432, prefix: 16 } },
    { text: '255.255.255.255/32', range: { first: 4294967295, prefix: 32 } },
    { text: '0.0.0.0/0', range: { first: 0, prefix: 0 } },
  ])('reads $text', ({ text, range }) => {
    expect(parseCidr(text)).toEqual(range)
    expect(formatCidr(range)).toBe(text)
  })

  test.each(['10.0.0.0', '10.0.0/16', '10.0.0.256/32', '10.0.0.0/33', 'fd00::/8', '', ' 10.0.0.0/8'])(
    'refuses %p',
    text => {
      expect(() => parseCidr(text)).toThrow(`'${text}' is no IPv4 range`)
    },
  )

  test('names the range that an address with bits beyond its prefix is in', () => {
    expect(() => parseCidr('203.0.113.7/24')).toThrow('the range is 203.0.113.0/24')
  })
})

describe('partOf()', () => {
  test.each([
    { prefix: 19, index: 0, part: '10.77.0.0/19' },
    { prefix: 19, index: 7, part: '10.77.224.0/19' },
    { prefix: 24, index: 255, part: '10.77.255.0/24' },
    { prefix: 16, index: 0, part: '10.77.0.0/16' },
  ])('part $index of /$prefix is $part', ({ prefix, index, part }) => {
    expect(formatCidr(partOf(parseCidr('10.77.0.0/16'), prefix, index))).toBe(part)
  })

  test.each([
    { prefix: 19, index: 8 },
    { prefix: 19, index: -1 },
    { prefix: 15, index: 0 },
  ])('has no part $index of /$prefix', ({ prefix, index }) => {
    expect(() => partOf(parseCidr('10.77.0.0/16'), prefix, index)).toThrow(RangeError)
  })
})

describe('overlap()', () => {
  test.each([
    { one: '10.0.0.0/16', other: '10.0.255.0/24', both: true },
    { one: '10.0.255.0/24', other: '10.0.0.0/16', both: true },
    { one: '10.0.0.0/16', other: '10.1.0.0/16', both: false },
    { one: '10.1.0.0/16', other: '10.0.0.0/16', both: false },
  ])('of $one and $other is $both', ({ one, other, both }) => {
    expect(overlap(parseCidr(one), parseCidr(other))).toBe(both)
  })
})

describe('zoneSubnets()', () => {
  test('gives each zone a private and a public subnet', () => {
    expect(zoneSubnets('10.77.0.0/16', 3)).toEqual([
      { private: '10.77.0.0/19', public: '10.77.192.0/24' },
      { private: '10.77.32.0/19', public: '10.77.193.0/24' },
      { private: '10.77.64.0/19', public: '10.77.194.0/24' },
    ])
  })

  test('no two of six zones overlap', () => {
    const ranges = zoneSubnets('172.20.0.0/16', 6).flatMap(zone => [zone.private, zone.public].map(parseCidr))

    const pairs = ranges.flatMap((one, index) => ranges.slice(index + 1).map(other => overlap(one, other)))

    expect(pairs).toHaveLength(66)
    expect(pairs).not.toContain(true)
  })
})
