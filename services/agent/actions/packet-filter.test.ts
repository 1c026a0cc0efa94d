import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { peerMatches, peerSchema, peerSets, renewedFuse } from './packet-filter.ts'

describe('peerSchema', () => {
  test.each([
    '10.244.21.7',
    '10.244.21.0/24',
    '0.0.0.0/0',
    '::1',
    'fd00::/8',
    '::ffff:10.0.0.1',
    '10.0.0.1/32',
  ])('takes %s', peer => {
    expect(peerSchema.safeParse(peer).success).toBe(true)
  })

  test.each([
    '',
    '10.0.0',
    '010.0.0.1',
    '10.0.0.1/33',
    '10.0.0.1/024',
    '10.0.0.1/',
    '10.0.0.1/8/8',
    '::1/129',
    'fe80::1%eth0',
    '10.0.0.1 }',
    '10.0.0.1\n}',
    '10.0.0.1, 10.0.0.2',
    'gateway',
    '@live',
    '10.0.0.1;',
  ])('refuses %j', peer => {
    expect(peerSchema.safeParse(peer).success).toBe(false)
  })

  test('takes no character that ends an element', () => {
    const hostile = fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:/ {},;"\n#@%-+*$\\') })
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          fc.ipV4(),
          fc.ipV6(),
          fc.tuple(fc.ipV4(), hostile).map(t => t.join('')),
        ),
        peer => {
          if (peerSchema.safeParse(peer).success) expect(peer).toMatch(/^[0-9A-Fa-f.:]+(\/\d{1,3})?$/)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('peerMatches()', () => {
  test('is one empty match when all packets are meant', () => {
    expect(peerMatches({}, 'source')).toEqual([''])
  })

  test('asks only for the families of the addresses, so that the other one goes on', () => {
    const match = { peers: ['10.0.0.1', '10.0.0.2'] }

    expect(peerMatches(match, 'source')).toEqual(['ip saddr @peers4'])
    expect(peerSets(match)).toEqual([
      'set peers4 {',
      'type ipv4_addr; flags interval; auto-merge;',
      'elements = { 10.0.0.1, 10.0.0.2 }',
      '}',
    ])
  })

  test('asks for both families when there are addresses of both', () => {
    expect(
      peerMatches({ peers: ['10.0.0.1', 'fd00::1'], protocol: 'udp', peerPort: 53 }, 'destination'),
    ).toEqual(['ip daddr @peers4 udp dport 53', 'ip6 daddr @peers6 udp dport 53'])
  })

  test.each([
    { match: { protocol: 'tcp' as const }, expected: 'meta l4proto tcp' },
    { match: { peerPort: 53 }, expected: 'meta l4proto { tcp, udp } th sport 53' },
    { match: { protocol: 'udp' as const, peerPort: 53 }, expected: 'udp sport 53' },
  ])(
    'takes the port at the other end, and of both protocols when none is given: $expected',
    ({ match, expected }) => {
      expect(peerMatches(match, 'source')).toEqual([expected])
    },
  )
})

describe('renewedFuse()', () => {
  test('replaces the elements instead of adding to them, and never makes the table', () => {
    expect(renewedFuse('netdev', 'f1').split('\n')).toEqual([
      'flush set netdev divergence_f1 live',
      'add element netdev divergence_f1 live { ip timeout 3s, ip6 timeout 3s }',
      '',
    ])
  })
})
