import { describe, expect, test } from '@jest/globals'
import { keptEntry, numberedEntry } from './run-entry.ts'
import { foldRun, type MirroredRun, serviceOf } from './run-fold.ts'

const RUN = '20261121T103144Z-zone-outage'
const T = Date.UTC(2026, 10, 21, 10, 31, 44)
const ABANDONED = 60_000

const OPENED = {
  entry: 'opened',
  runId: RUN,
  experiment: { name: 'zone-outage', hypothesis: 'Nobody notices.', level: 'zone' },
}
const BEGUN = {
  entry: 'fault-begun',
  fault: 0,
  plan: {
    kind: 'zone-outage',
    targets: ['experiment-c'],
    zone: 'c',
    begin: [],
    end: [{ action: 'power-on' }],
    proofs: [],
  },
}
const KILLED = {
  entry: 'fault-begun',
  fault: 0,
  plan: { kind: 'kill-pod', targets: ['database-0'], zone: 'a', begin: [], end: [] },
}
const EFFECT = { entry: 'fault-effect', fault: 0, proven: true, detail: 'gone after 2 s' }
const ENDED = { entry: 'fault-ended', fault: 0, endedBy: {} }
const VERDICT = {
  entry: 'verdict',
  verdict: { verdict: 'diverged', aborted: false, reasons: ['Too many failed.'] },
}

/** A run of entries a second apart, heard of when the last was written. */
function run(entries: readonly object[], change: Partial<MirroredRun> = {}): MirroredRun {
  const kept = entries.map((entry, seq) => {
    const { entry: read } = numberedEntry.parse({ seq, entry: { atMs: T + seq * 1_000, ...entry } })
    return keptEntry(seq, read)
  })
  const heardMs = T + (entries.length - 1) * 1_000
  return {
    ...{ runId: RUN, openedMs: T, heardMs, abort: null, hasReport: false, isClosed: false },
    entries: kept,
    ...change,
  }
}

const fold = (entries: readonly object[], afterMs = 10_000, change: Partial<MirroredRun> = {}) =>
  foldRun(run(entries, change), T + afterMs, ABANDONED)

describe('foldRun()', () => {
  test('tells what a run is and where it stands', () => {
    expect(fold([OPENED, { entry: 'phase', phase: 'baseline' }])).toMatchObject({
      name: 'zone-outage',
      level: 'zone',
      hypothesis: 'Nobody notices.',
      state: 'running',
      phase: 'baseline',
      endedMs: null,
      verdict: null,
    })
  })

  test.each([
    { title: 'judged', last: VERDICT },
    { title: 'interrupted', last: { entry: 'interrupted', reason: 'Ctrl-C' } },
    { title: 'failed', last: { entry: 'failed', reason: 'no agent' } },
  ])('is $title by its last entry, however long ago', ({ title, last }) => {
    const folded = fold([OPENED, last], 9_000_000)
    expect(folded).toMatchObject({ state: title, endedMs: T + 1_000 })
  })

  test('has ended when its runner says that there is no more', () => {
    const folded = fold([OPENED, { entry: 'audit', residue: [] }], 9_000_000, { isClosed: true })
    expect(folded).toMatchObject({ state: 'ended', endedMs: T + 1_000 })
  })

  test('is abandoned once its runner was silent for longer than allowed, and not before', () => {
    expect(fold([OPENED, BEGUN], 61_000).state).toBe('running')
    const folded = fold([OPENED, BEGUN], 61_001)
    expect(folded.state).toBe('abandoned')
    // The agents end what nobody renews, within ten seconds.
    expect(folded.attacks).toEqual([expect.objectContaining({ endMs: T + 11_000 })])
  })

  test('goes on when its runner is heard of again', () => {
    expect(fold([OPENED], 900_000, { heardMs: T + 899_000 }).state).toBe('running')
  })

  test('knows an attack from its begin to its end', () => {
    expect(fold([OPENED, BEGUN]).attacks).toEqual([
      {
        runId: RUN,
        fault: 0,
        kind: 'zone-outage',
        targets: ['experiment-c'],
        group: 'experiment',
        service: null,
        zone: 'c',
        beginMs: T + 1_000,
        endMs: null,
        effect: null,
      },
    ])
    expect(fold([OPENED, BEGUN, EFFECT]).attacks).toEqual([
      expect.objectContaining({ endMs: null, effect: { proven: true, detail: 'gone after 2 s' } }),
    ])
    expect(fold([OPENED, BEGUN, EFFECT, ENDED]).attacks[0]?.endMs).toBe(T + 3_000)
  })

  test('takes an attack that needs no end for over once its effect shows', () => {
    expect(fold([OPENED, KILLED]).attacks[0]).toMatchObject({ service: 'database', endMs: null })
    expect(fold([OPENED, KILLED, EFFECT]).attacks[0]?.endMs).toBe(T + 2_000)
  })

  test('lets no attack outlive its run', () => {
    expect(fold([OPENED, BEGUN, VERDICT]).attacks[0]?.endMs).toBe(T + 2_000)
  })

  test('puts everything that a person wants to see on the time line, in words', () => {
    const event = {
      atMs: T - 500,
      source: 'cluster',
      group: 'experiment',
      zone: 'b',
      service: 'database',
      text: 'database-0 is the Postgres primary',
    }
    const { timeline } = fold([
      OPENED,
      { entry: 'snapshot', snapshot: {} },
      BEGUN,
      { entry: 'event', event },
      { entry: 'fault-effect', fault: 0, proven: false, detail: 'nothing' },
      { entry: 'audit', residue: ['a pod'] },
      VERDICT,
    ])
    expect(timeline.map(({ seq, source, tone, text }) => [seq, source, tone, text])).toEqual([
      [0, 'run', 'plain', 'zone-outage opened'],
      [2, 'fault', 'bad', 'zone-outage of experiment-c begun'],
      [3, 'cluster', 'plain', 'database-0 is the Postgres primary'],
      [4, 'fault', 'bad', 'effect not proven: nothing'],
      [5, 'audit', 'bad', 'left behind: a pod'],
      [6, 'verdict', 'bad', 'diverged'],
    ])
    expect(timeline[2]).toMatchObject({ atMs: T - 500, zone: 'b', service: 'database' })
  })

  test('is called by its id when its first entry is missing', () => {
    expect(fold([{ entry: 'phase', phase: 'attack' }]).name).toBe('zone-outage')
  })
})

describe('serviceOf()', () => {
  test.each([
    { targets: ['gateway-7b4ccc58f6-dn8jg', 'gateway-7b4ccc58f6-aaaaa/gateway'], service: 'gateway' },
    { targets: ['database-1/database'], service: 'database' },
    { targets: ['gateway-1', 'database-1'], service: null },
    { targets: ['experiment-c'], service: null },
    { targets: [], service: null },
  ])('of $targets is $service', ({ targets, service }) => {
    expect(serviceOf(targets)).toBe(service)
  })
})

describe('numberedEntry', () => {
  test.each([
    { title: 'a fault without a plan', entry: { atMs: 1, entry: 'fault-begun', fault: 0 } },
    { title: 'a verdict that is none', entry: { atMs: 1, entry: 'verdict', verdict: { verdict: 'fine' } } },
    { title: 'an entry without an instant', entry: { entry: 'phase', phase: 'attack' } },
  ])('refuses $title', ({ entry }) => {
    expect(numberedEntry.safeParse({ seq: 0, entry }).success).toBe(false)
  })

  test('keeps an entry of a kind that it does not know, as it is', () => {
    const entry = { atMs: 1, entry: 'thought', of: { much: 1 } }
    expect(numberedEntry.parse({ seq: 0, entry }).entry).toEqual(entry)
    expect(keptEntry(0, entry).says).toBeNull()
  })
})
