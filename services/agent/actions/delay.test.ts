import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Capability, Subject } from './action.ts'
import { type DelaySpec, delay } from './delay.ts'
import { anyPacketMatch, CONTAINER, NODE, nftText, probeOf, statements } from './network-fixture.ts'

const subject = (
  spec: Partial<DelaySpec> = {},
  capabilities: readonly Capability[] = ['nfqueue'],
): Subject<DelaySpec> => ({
  spec: { action: 'delay', delayMs: 100, jitterMs: 0, ...spec },
  target: CONTAINER,
  id: 'f1',
  capabilities: new Set(capabilities),
  durationSeconds: 30,
})
const { ref } = CONTAINER.network
const before = { inQueueLength: 0, inForeignQueues: 0 }

describe('delay.begin()', () => {
  test('chooses what comes in by the interface, and has packet-delay hold it', () => {
    expect(delay.begin(subject({ jitterMs: 12.5, protocol: 'udp', peerPort: 53 }))).toEqual([
      {
        do: 'run',
        program: 'nft',
        args: ['-f', '-'],
        network: ref,
        input: `table inet divergence_f1
delete table inet divergence_f1
table inet divergence_f1 {
set live {
type ether_type; flags timeout;
elements = { ip timeout 3s, ip6 timeout 3s }
}
counter chosen { }
chain held { }
chain in {
type filter hook prerouting priority -150; policy accept;
iifname != "eth0" accept
meta protocol != @live accept
udp sport 53 counter name "chosen" goto held
}
}
`,
      },
      {
        do: 'start',
        program: 'packet-delay',
        args: [
          ...['--queue', expect.stringMatching(/^[1-9]\d{0,4}$/), '--delay', '100ms', '--jitter', '12.5ms'],
          ...['--table', 'divergence_f1', '--chain', 'held'],
        ],
        readyText: 'ready',
        network: ref,
      },
    ])
  })

  test('uses netem at the node end where there is one and all packets are meant', () => {
    const [command, ...others] = delay.begin({ ...subject({ jitterMs: 10 }, ['netem', 'nfqueue']), before })

    expect(others).toEqual([])
    expect(command).toMatchObject({ program: 'tc', network: { of: 'node' } })
    expect(command).toHaveProperty(
      'args',
      expect.arrayContaining(['veth1a2b', 'root', 'netem', 'limit', '16384', 'delay', '100ms', '10ms']),
    )
  })

  test('does not use netem for chosen packets: it would hold the others too', () => {
    const [, start] = delay.begin(subject({ peers: ['10.0.0.1'] }, ['netem', 'nfqueue']))

    expect(start).toMatchObject({ do: 'start', program: 'packet-delay' })
    expect(delay.needs({ ...subject().spec, peers: ['10.0.0.1'] })).toEqual([
      ['nfqueue', 'nft', 'nft-set-timeout'],
    ])
    expect(delay.needs(subject().spec)).toEqual([['netem'], ['nfqueue', 'nft', 'nft-set-timeout']])
  })

  test('gives two faults of one pod different queues', () => {
    const queues = Array.from({ length: 200 }, (_, index) => {
      const start = delay.begin({ ...subject(), id: `run7fault${index}` })[1]
      return start?.do === 'start' ? start.args[1] : undefined
    })

    expect(new Set(queues).size).toBe(200)
  })

  test('refuses a node', () => {
    expect(() => delay.begin({ ...subject(), target: NODE })).toThrow("node 'experiment-a'")
  })

  test('whatever the spec, either refuses it or touches nothing but its own table and program', () => {
    const anySpec = fc.record(
      {
        action: fc.constant('delay'),
        delayMs: fc.constantFrom(1, 0.5, 10_000, 0, -1, 10_001, Number.NaN, '1ms --table x'),
        jitterMs: fc.constantFrom(0, 0.4, 5, -1, '1'),
        ...anyPacketMatch,
      },
      { requiredKeys: ['action', 'delayMs', 'jitterMs'] },
    )
    let accepted = 0
    fc.assert(
      fc.property(anySpec, fc.stringMatching(/^[a-z0-9]{1,24}$/), (spec, id) => {
        const parsed = delay.schema.safeParse(spec)
        if (!parsed.success) return
        accepted++
        const own = { ...subject(), spec: parsed.data, id }
        const table = `inet divergence_${id}`
        const [rules, start] = delay.begin(own)
        expect(rules && statements(nftText(rules))).toEqual([
          `table ${table}`,
          `delete table ${table}`,
          `table ${table} {`,
        ])
        expect(start?.do === 'start' && start.args.join(' ')).toMatch(
          new RegExp(
            `^--queue \\d+ --delay [0-9.]+ms --jitter [0-9.]+ms --table divergence_${id} --chain held$`,
          ),
        )
      }),
      { numRuns: 3000, seed: 7 },
    )
    expect(accepted).toBeGreaterThan(50)
  })
})

describe('delay.end()', () => {
  test('ends the program first, because what it holds is lost with the rules', () => {
    expect(delay.end(subject())).toEqual([
      { do: 'stop' },
      {
        do: 'run',
        program: 'nft',
        args: ['-f', '-'],
        network: ref,
        input: 'table inet divergence_f1\ndelete table inet divergence_f1\n',
      },
    ])
  })

  test('of netem removes the queue by its number and restores the length', () => {
    const [remove, restore] = delay.end({
      ...subject({}, ['netem']),
      before: { ...before, inQueueLength: 500 },
    })

    expect(remove).toMatchObject({ program: 'tc', network: { of: 'node' } })
    expect(restore).toMatchObject({ args: ['link', 'set', 'dev', 'veth1a2b', 'txqueuelen', '500'] })
  })
})

describe('delay.renew()', () => {
  test('renews the fuse of the table; netem has none', () => {
    expect(delay.renew?.(subject()).map(nftText)).toEqual([
      expect.stringContaining('flush set inet divergence_f1 live'),
    ])
    expect(delay.renew?.(subject({}, ['netem']))).toEqual([])
  })
})

describe('delay.schema', () => {
  test.each([
    { delayMs: 0 },
    { delayMs: 10_001 },
    { jitterMs: 100 },
    { jitterMs: -1 },
    { peers: ['x'] },
    { direction: 'out' },
  ])('refuses %j', part => {
    expect(delay.schema.safeParse({ ...subject().spec }).success).toBe(true)
    expect(delay.schema.safeParse({ ...subject().spec, ...part }).success).toBe(false)
  })
})

describe('delay.read()', () => {
  test("reads the own queue's line among others", async () => {
    const start = delay.begin(subject())[1]
    const queue = start?.do === 'start' ? (start.args[1] ?? '') : ''
    const path = '/proc/4711/net/netfilter/nfnetlink_queue'
    const text = `    7  19000    44 1     0     0     0       99  1\n${queue.padStart(5)}  19335     3 1     0     0     0      210  1\n`
    const probe = probeOf(
      { 'nft pod': { nftables: [{ counter: { table: 'divergence_f1', name: 'chosen', packets: 211 } }] } },
      { [path]: text },
    )

    expect(await delay.read(subject(), probe)).toEqual({
      chosenPackets: 211,
      heldPackets: 210,
      waitingPackets: 3,
      delayers: 1,
    })
  })
})

describe('delay.finding()', () => {
  const none = { chosenPackets: 0, heldPackets: 0, waitingPackets: 0, delayers: 0 }

  test('is proven by packets held by a program that is alive', () => {
    const now = { chosenPackets: 50, heldPackets: 50, waitingPackets: 2, delayers: 1 }

    expect(delay.finding(subject().spec, none, now)).toEqual({
      proven: true,
      detail: '50 packets held for 100 ms +- 0 ms, 2 of them now, by 1 packet-delay',
    })
  })

  test.each([
    { title: 'packets were chosen but passed at once', now: { ...none, chosenPackets: 50, delayers: 1 } },
    { title: 'the program is gone', now: { ...none, chosenPackets: 50, heldPackets: 50 } },
  ])('is not proven when $title', ({ now }) => {
    expect(delay.finding(subject().spec, none, now).proven).toBe(false)
  })
})
