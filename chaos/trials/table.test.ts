import { describe, expect, test } from '@jest/globals'
import { momentOf, type Row, secondsUntil, tableText } from './table.ts'

const row: Row = {
  kind: 'loss',
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

  test('has nothing to undo where the system heals by itself', () => {
    expect(tableText([{ ...row, undone: { end: 'n/a' } }], ['end'])).toContain('nothing to undo')
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
