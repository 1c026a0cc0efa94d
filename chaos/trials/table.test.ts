import { describe, expect, test } from '@jest/globals'
import type { JournalEntry } from '../journal-entry.ts'
import { nameOf } from './batches.ts'
import { firstOf, leaveDark, momentOf, type Row, secondsUntil, starvation, tableText } from './table.ts'

const row: Row = {
  name: 'loss',
  proven: { proven: true, detail: '12 | 34 lost' },
  undone: { end: 0.04, 'kill -9 of the runner': null },
  residue: [],
}

describe('tableText()', () => {
  test('says in each cell what became of the fault', () => {
    const lines = tableText([row], ['end', 'kill -9 of the runner', 'Ctrl-C']).split('\n')
    expect(lines[2]).toBe('| `loss` | 12 / 34 lost | 0.0 | NOT UNDONE | - | none |')
  })

  test('does not hide an effect that is missing, nor what is left', () => {
    const bad: Row = {
      ...row,
      proven: { proven: false, detail: 'nothing lost' },
      residue: ['a table', 'a table'],
    }
    expect(tableText([bad], []).split('\n')[2]).toBe('| `loss` | NO: nothing lost | a table |')
  })

  test('says below what it means that nothing could befall an agent', () => {
    const rows = new Map<string, Row>()
    leaveDark({ name: 'dark', faults: [{ kind: 'zone-outage' }] }, 'kill -9 of the agent', rows)
    const lines = tableText([...rows.values()], ['kill -9 of the agent']).split('\n')
    expect(lines[2]).toContain('| n/a* | none |')
    expect(lines.at(-1)).toBe('\\* The node has no power: no agent is alive there.')
    expect(tableText([row], ['end'])).not.toContain('no power')
  })

  test('has nothing to undo where the system heals by itself', () => {
    expect(tableText([{ ...row, undone: { end: 'n/a' } }], ['end'])).toContain('nothing to undo')
  })
})

describe('nameOf()', () => {
  test.each([
    [{ kind: 'memory', percentOfLimit: 70 }, 'memory'],
    [{ kind: 'memory', oomKill: true }, 'memory oomKill'],
    [{ kind: 'dns', mode: 'fail' }, 'dns'],
    [{ kind: 'dns', mode: 'slow' }, 'dns slow'],
    [{ kind: 'slow-database', mode: 'slow-queries' }, 'slow-database'],
    [{ kind: 'slow-database', mode: 'lock' }, 'slow-database lock'],
  ])('of %j is %s', (fault, expected) => {
    expect(nameOf(fault)).toBe(expected)
  })
})

describe('starvation()', () => {
  const silent =
    'The agent on experiment-b has not answered for 9 s, so it has ended its faults: no answer at all'
  const ended = (reason: string, residue: readonly string[] | null = []): JournalEntry[] => [
    { atMs: 1, entry: 'phase', phase: 'attack' },
    ...(residue === null ? [] : [{ atMs: 2, entry: 'audit' as const, residue }]),
    { atMs: 3, entry: 'failed', reason },
  ]

  test('is told of a runner whose agent did not answer, and that left nothing behind', () => {
    expect(starvation(ended(silent))).toBe('The agent on experiment-b has not answered for 9 s')
  })

  test.each([
    ['ended for another reason', ended('The agent on experiment-b cannot undo latency: no')],
    ['left something behind', ended(silent, ['node experiment-b is cordoned'])],
    ['said so of what it left behind', ended(`latency is not undone. The run left behind: ${silent}`)],
    ['never looked at what it left', ended(silent, null)],
    ['has not ended', []],
  ])('is not told of one that %s', (_title, entries) => {
    expect(starvation(entries)).toBeNull()
  })
})

describe('secondsUntil()', () => {
  test.each([
    ['counts from the event', 107_000, 100_000, 160_000, 7],
    ['counts from the end that was meant when the event did not touch it', 160_400, 100_000, 160_000, 0.4],
    ['counts from the event where there is no such end', 107_000, 100_000, undefined, 7],
    ['is never negative: the agent is the quicker one at times', 159_900, 100_000, 160_000, 0],
  ])('%s', (_title, atMs, eventMs, meantEndMs, expected) => {
    expect(secondsUntil(atMs, eventMs, meantEndMs)).toBeCloseTo(expected, 9)
  })

  test('knows no time of what was not undone', () => {
    expect(secondsUntil(null, 0, 0)).toBeNull()
  })
})

describe('firstOf()', () => {
  test.each([
    ['what the runner told, where it was seen later', 25_000, 9_000, 9_000],
    ['what was seen, where the runner told it later', 9_000, 25_000, 9_000],
    ['what was seen, where the runner told nothing', 25_000, undefined, 25_000],
    ['not undone, whatever the runner told', null, 9_000, null],
  ])('is %s', (_title, seenMs, toldMs, expected) => {
    expect(firstOf(seenMs, toldMs)).toBe(expected)
  })
})

describe('momentOf()', () => {
  const moments = new Map([
    ['experiment-a', 1_000],
    ['experiment-b', 3_000],
    ['experiment-c', 2_000],
  ])
  const on = (...nodes: string[]) => ({
    end: nodes.map(node => ({ action: 'agent-end', node, id: 'f' }) as const),
  })

  test.each([
    ['of the only node that it is on', on('experiment-b'), 3_000],
    ['of the first of its nodes', on('experiment-b', 'experiment-c'), 2_000],
    ['of the first of all where it has none of its own', { end: [] }, 1_000],
  ])('is the moment %s', (_title, plan, expected) => {
    expect(momentOf(plan, moments)).toBe(expected)
  })

  test('is the same for all where it befell the runner', () => {
    expect(momentOf(on('experiment-b'), 5_000)).toBe(5_000)
  })
})
