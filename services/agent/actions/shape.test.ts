import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ActionError, type Reading, type Subject } from './action.ts'
import { CONTAINER, NODE, probeOf } from './network-fixture.ts'
import { type ShapeSpec, shape } from './shape.ts'

const clean = { inQueueLength: 0, inForeignQueues: 0, outQueueLength: 1000, outForeignQueues: 0 }
const subject = (spec: Omit<ShapeSpec, 'action'>, before: Reading = clean): Subject<ShapeSpec> => ({
  spec: { action: 'shape', ...spec },
  target: CONTAINER,
  id: 'f1',
  capabilities: new Set(['tbf']),
  durationSeconds: 30,
  before,
})
const both = { direction: 'both', kbitPerSecond: 10_000 } as const
const POD = CONTAINER.network.ref

describe('shape.begin()', () => {
  test('puts a bucket at both ends of the pair', () => {
    const args = (device: string) => [
      ...['qdisc', 'add', 'dev', device, 'root', 'handle', expect.stringMatching(/^[1-7]?[0-9a-f]{1,3}:$/)],
      ...['tbf', 'rate', '10000kbit', 'burst', '16384b', 'latency', '200ms'],
    ]

    expect(shape.begin(subject(both))).toEqual([
      { do: 'run', program: 'tc', args: args('veth1a2b'), network: { of: 'node' } },
      { do: 'run', program: 'tc', args: args('eth0'), network: POD },
    ])
  })

  test('lets 10 ms pass at once when that is more than one large packet', () => {
    // 1 Gbit/s: 125,000,000 bytes a second.
    const [command] = shape.begin(subject({ direction: 'out', kbitPerSecond: 1_000_000 }))

    expect(command).toHaveProperty('args', expect.arrayContaining(['burst', '1250000b']))
  })

  test('refuses an interface that has a queue of somebody else', () => {
    expect(() => shape.begin(subject(both, { ...clean, outForeignQueues: 1 }))).toThrow(
      "Cannot put a queue at interface 'eth0': it has one already",
    )
  })

  test('refuses without a reading of the state before, and so does the end', () => {
    expect(() => shape.begin(subject(both, {}))).toThrow(ActionError)
    expect(() => shape.end(subject(both, {}))).toThrow("'inQueueLength' was not read before")
  })

  test('refuses a node', () => {
    expect(() => shape.begin({ ...subject(both), target: NODE })).toThrow("node 'experiment-a'")
  })
})

describe('shape.end()', () => {
  test('removes only a queue with the own number, then restores the length that the kernel has changed', () => {
    const [add] = shape.begin(subject({ ...both, direction: 'out' }))
    const handle = add?.do === 'run' ? add.args[6] : undefined

    expect(shape.end(subject({ ...both, direction: 'out' }))).toEqual([
      {
        do: 'run',
        program: 'tc',
        args: ['qdisc', 'del', 'dev', 'eth0', 'root', 'handle', handle],
        network: POD,
        settledBy: expect.arrayContaining(['Invalid handle', 'Cannot find device']),
      },
      {
        do: 'run',
        program: 'ip',
        args: ['link', 'set', 'dev', 'eth0', 'txqueuelen', '1000'],
        network: POD,
        settledBy: ['Cannot find device', 'No such device'],
      },
    ])
  })

  test('undoes each place that begin touches, whatever the spec', () => {
    const anySpec = fc.record({
      action: fc.constant('shape'),
      kbitPerSecond: fc.oneof(fc.integer(), fc.double(), fc.constant('1; rm')),
      direction: fc.constantFrom('in', 'out', 'both', 'x'),
    })
    fc.assert(
      fc.property(anySpec, fc.stringMatching(/^[a-z0-9]{1,24}$/), (spec, id) => {
        const parsed = shape.schema.safeParse(spec)
        if (!parsed.success) return
        const own = { ...subject(both), spec: parsed.data, id }
        const places = (commands: ReturnType<typeof shape.begin>) =>
          commands.flatMap(c => (c.do === 'run' && c.program === 'tc' ? [`${c.args[3]} ${c.args[6]}`] : []))
        expect(places(shape.end(own))).toEqual(places(shape.begin(own)))
      }),
    )
  })
})

describe('shape.schema', () => {
  test.each([
    { kbitPerSecond: 7 },
    { kbitPerSecond: 10_000_001 },
    { kbitPerSecond: 8.5 },
    { direction: 'up' },
  ])('refuses %j', part => {
    expect(shape.schema.safeParse({ action: 'shape', ...both }).success).toBe(true)
    expect(shape.schema.safeParse({ action: 'shape', ...both, ...part }).success).toBe(false)
  })
})

describe('shape.read()', () => {
  const own = () => {
    const [add] = shape.begin(subject(both))
    return add?.do === 'run' ? add.args[6] : undefined
  }

  test('tells the queue lengths, and whose queues there are', async () => {
    const probe = probeOf({
      'ip node': [{}],
      'tc node': [{ kind: 'noqueue', handle: '0:', root: true }],
      'ip pod': [{ txqlen: 1000 }],
      'tc pod': [{ kind: 'tbf', handle: '8001:', root: true, packets: 5, overlimits: 2 }],
    })

    expect(await shape.read(subject(both), probe)).toMatchObject({
      inQueueLength: 0,
      inForeignQueues: 0,
      outQueueLength: 1000,
      outForeignQueues: 1,
      outHeldTimes: 0,
    })
  })

  test('counts in the own queue', async () => {
    const queue = { kind: 'tbf', handle: own(), root: true, bytes: 900, packets: 5, drops: 1, overlimits: 2 }
    const probe = probeOf({ 'ip pod': [{ txqlen: 1000 }], 'tc pod': [queue] })

    expect(await shape.read(subject({ ...both, direction: 'out' }), probe)).toEqual({
      outQueueLength: 1000,
      outForeignQueues: 0,
      outPackets: 5,
      outBytes: 900,
      outHeldTimes: 2,
      outDroppedPackets: 1,
    })
  })
})

describe('shape.finding()', () => {
  const spec = { action: 'shape', ...both, direction: 'out' } as const

  test('is proven when packets had to wait', () => {
    const now = { outBytes: 5000, outHeldTimes: 7, outDroppedPackets: 1 }

    expect(shape.finding(spec, clean, now)).toEqual({
      proven: true,
      detail: 'out: 5000 bytes passed at 10000 kbit/s, held back 7 times, 1 packets dropped',
    })
  })

  test('is not proven by traffic below the limit', () => {
    expect(shape.finding(spec, clean, { outBytes: 5000, outHeldTimes: 0 }).proven).toBe(false)
  })
})
