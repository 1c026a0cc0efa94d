import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ActionError, type Subject, type Target } from './action.ts'
import { type DropSpec, drop } from './drop.ts'
import { anyPacketMatch, CONTAINER, NODE, nftText, probeOf, statements } from './network-fixture.ts'

const subject = (spec: Omit<DropSpec, 'action'>, target: Target = CONTAINER): Subject<DropSpec> => ({
  spec: { action: 'drop', ...spec },
  target,
  id: 'f1',
  capabilities: new Set(['nft', 'nft-set-timeout']),
  durationSeconds: 30,
})
const all = { direction: 'both', probability: 1 } as const
const textOf = (of: Subject<DropSpec>) => drop.begin(of).map(nftText).join('')

describe('drop.begin()', () => {
  test('puts both hooks on the one interface, each behind the fuse, in a table of its own', () => {
    expect(drop.begin(subject(all))).toEqual([
      {
        do: 'run',
        program: 'nft',
        args: ['-f', '-'],
        network: CONTAINER.network.ref,
        input: `table netdev divergence_f1
delete table netdev divergence_f1
table netdev divergence_f1 {
set live {
type ether_type; flags timeout;
elements = { ip timeout 3s, ip6 timeout 3s }
}
counter matched_in { }
counter lost_in { }
chain in {
type filter hook ingress device "eth0" priority -310; policy accept;
meta protocol != @live accept
counter name "matched_in"
counter name "lost_in" drop
}
counter matched_out { }
counter lost_out { }
chain out {
type filter hook egress device "eth0" priority 310; policy accept;
meta protocol != @live accept
counter name "matched_out"
counter name "lost_out" ether type set 0x88b5 accept
}
}
`,
      },
    ])
  })

  test('never drops on the way out: the sender would be told', () => {
    const text = textOf(subject({ direction: 'out', probability: 0.3, peers: ['10.0.0.1', 'fd00::1'] }))

    expect(text).not.toMatch(/\bdrop\b/)
    expect(text).toContain(
      'ip daddr @peers4 numgen random mod 1000000 < 300000 counter name "lost_out" ether type set',
    )
    expect(text).toContain(
      'ip6 daddr @peers6 numgen random mod 1000000 < 300000 counter name "lost_out" ether type set',
    )
  })

  test('counts a packet before the dice are thrown, so that the share can be read', () => {
    const rules = textOf(subject({ direction: 'in', probability: 0.1, protocol: 'udp', peerPort: 53 })).split(
      '\n',
    )

    expect(rules.slice(-5, -2)).toEqual([
      'udp sport 53 counter name "matched_in"',
      'udp sport 53 numgen random mod 1000000 < 100000 counter name "lost_in" drop',
      '}',
    ])
  })

  test('has no chain for the direction that is not meant', () => {
    expect(textOf(subject({ ...all, direction: 'in' }))).not.toContain('egress')
    expect(textOf(subject({ ...all, direction: 'out' }))).not.toContain('ingress')
  })

  test('leaves own ports open both ways, before anything is lost', () => {
    const text = textOf(subject({ ...all, exceptOwnTcpPorts: [10_250, 22] }, NODE))

    expect(text).toMatch(/@live accept\ntcp dport \{ 10250, 22 \} accept\ncounter name "matched_in"/)
    expect(text).toMatch(/@live accept\ntcp sport \{ 10250, 22 \} accept\ncounter name "matched_out"/)
  })

  test('touches a node only at its own interface', () => {
    const [command] = drop.begin(subject(all, NODE))

    expect(command).toMatchObject({ network: { of: 'node' } })
    expect(textOf(subject(all, NODE)).match(/device "[^"]*"/g)).toEqual(['device "eth0"', 'device "eth0"'])
  })

  test('loses something at the smallest probability', () => {
    expect(textOf(subject({ direction: 'in', probability: 0.000_001 }))).toContain('mod 1000000 < 1 ')
  })

  test.each(['eth0"; drop', '', 'a'.repeat(16), '-f'])('refuses interface %j', interfaceName => {
    const target = { ...CONTAINER, network: { ...CONTAINER.network, interfaceName } }

    expect(() => drop.begin(subject(all, target))).toThrow(ActionError)
  })

  test.each(['', 'F1', 'f1 }', 'a'.repeat(25), 'f_1'])('refuses id %j', id => {
    expect(() => drop.begin({ ...subject(all), id })).toThrow(ActionError)
    expect(() => drop.end({ ...subject(all), id })).toThrow(ActionError)
  })

  test('whatever the spec, either refuses it or touches nothing but its own table', () => {
    const anySpec = fc.record(
      {
        action: fc.constant('drop'),
        direction: fc.constantFrom('in', 'out', 'both', 'in { }'),
        ...anyPacketMatch,
        exceptOwnTcpPorts: fc.option(fc.array(fc.constantFrom(22, 10_250, 0, '1 }'), { maxLength: 3 }), {
          nil: undefined,
        }),
        probability: fc.constantFrom(1, 0.5, 0.000_001, 0, 2, Number.NaN, '1'),
      },
      { requiredKeys: ['action'] },
    )
    let accepted = 0
    fc.assert(
      fc.property(anySpec, fc.stringMatching(/^[a-z0-9]{1,24}$/), (spec, id) => {
        const parsed = drop.schema.safeParse(spec)
        if (!parsed.success) return
        accepted++
        const own = { ...subject(all), spec: parsed.data, id }
        const table = `netdev divergence_${id}`
        expect(statements(drop.begin(own).map(nftText).join(''))).toEqual([
          `table ${table}`,
          `delete table ${table}`,
          `table ${table} {`,
        ])
        expect(statements(drop.end(own).map(nftText).join(''))).toEqual([
          `table ${table}`,
          `delete table ${table}`,
        ])
        for (const line of statements((drop.renew?.(own) ?? []).map(nftText).join(''))) {
          expect(line).toContain(` ${table} live`)
        }
      }),
      { numRuns: 3000, seed: 7 },
    )
    expect(accepted).toBeGreaterThan(50)
  })
})

describe('drop.schema', () => {
  test.each([
    { peers: [] },
    { probability: 0 },
    { probability: 1.1 },
    { peerPort: 0 },
    { exceptOwnTcpPorts: [70_000] },
    { protocol: 'icmp' },
    { unknown: 1 },
  ])('refuses %j', part => {
    expect(drop.schema.safeParse({ action: 'drop', ...all }).success).toBe(true)
    expect(drop.schema.safeParse({ action: 'drop', ...all, ...part }).success).toBe(false)
  })
})

describe('drop.read()', () => {
  const counter = (table: string, name: string, packets: number) => ({
    counter: { family: 'netdev', table, name, packets, bytes: 1 },
  })

  test('counts only in the own table', async () => {
    const nftables = [
      { metainfo: {} },
      counter('divergence_f2', 'lost_in', 9),
      counter('divergence_f1', 'lost_in', 3),
    ]

    expect(await drop.read(subject(all), probeOf({ 'nft pod': { nftables } }))).toEqual({
      matchedInPackets: 0,
      lostInPackets: 3,
      matchedOutPackets: 0,
      lostOutPackets: 0,
    })
  })

  test('is all 0 before there is a table', async () => {
    const reading = await drop.read(subject(all), probeOf({ 'nft pod': { nftables: [{ metainfo: {} }] } }))

    expect(Object.values(reading)).toEqual([0, 0, 0, 0])
  })
})

describe('drop.finding()', () => {
  const none = { matchedInPackets: 0, lostInPackets: 0, matchedOutPackets: 0, lostOutPackets: 0 }

  test('is proven by packets lost, and tells their share', () => {
    expect(
      drop.finding(subject(all).spec, none, { ...none, matchedInPackets: 200, lostInPackets: 21 }),
    ).toEqual({
      proven: true,
      detail: '21 of 200 packets in lost (10.5 %), 0 of 0 packets out lost (0.0 %)',
    })
  })

  test('is not proven while nothing was lost, though packets matched', () => {
    const { proven } = drop.finding(subject(all).spec, none, { ...none, matchedInPackets: 200 })

    expect(proven).toBe(false)
  })
})
