import { describe, expect, test } from '@jest/globals'
import { MOVED, type MovedRow } from '../metrics-moved.ts'
import type { Change } from './changes.ts'
import { unexpectedIn } from './unexpected.ts'

const MOVES: Change = { of: '', before: 0, during: 1, moved: true }
const STAYS: Change = { of: '', before: 0, during: 0, moved: false }

/** What is measured in truth, but for one row. */
const but = (what: string, change: (row: MovedRow) => MovedRow | null) =>
  MOVED.rows.flatMap(row => (row.what === what ? (change(row) ?? []) : [row]))
const withChanges = (what: string, changes: object) => but(what, row => ({ ...row, changes }) as MovedRow)

describe('metrics-moved.json', () => {
  test('tells of every row of the page what was expected of it', () => {
    expect(unexpectedIn(MOVED.rows)).toEqual([])
  })
})

describe('unexpectedIn()', () => {
  test.each([
    {
      title: 'a row that is missing',
      rows: but('CPU', () => null),
      expected: 'CPU: was not looked at',
    },
    {
      title: 'a row that did not move',
      rows: withChanges('CPU', { experiment: STAYS, control: STAYS }),
      expected: 'CPU: did not move',
    },
    {
      title: 'a row without series',
      rows: withChanges('CPU', {}),
      expected: 'CPU: did not move',
    },
    {
      title: 'a row of the lab as a whole that did not move',
      rows: withChanges('Capacity: closed nodes', { lab: STAYS }),
      expected: 'Capacity: closed nodes: did not move',
    },
    {
      title: 'a row that moved in the control group as well',
      rows: withChanges('CPU', { experiment: MOVES, control: MOVES }),
      expected: 'CPU: moved in the control group as well',
    },
    {
      title: 'a row that was looked at in another disturbance',
      rows: but('CPU', row => ({ ...row, in: 'names' }) as MovedRow),
      expected: "CPU: was looked at in 'names', not in 'work'",
    },
    {
      title: 'a row that something is to move, and was thought to be out of reach',
      rows: but('CPU', ({ what, unit }) => ({ what, unit, unmoved: 'out of reach', values: null })),
      expected: 'CPU: is taken for something that nothing moves',
    },
    {
      title: 'a row that nothing is to move, and was looked for',
      rows: but('Alerting: delivery', ({ what, unit }) => ({
        what,
        unit,
        in: 'work',
        by: 'cpu',
        changes: { lab: MOVES },
        alerts: {},
      })),
      expected: 'Alerting: delivery: nothing was to move it',
    },
  ])('tells of $title', ({ rows, expected }) => {
    expect(unexpectedIn(rows)).toEqual([expected])
  })

  test('lets the control group move where that is explained', () => {
    const rows = withChanges('CPU of nodes', { experiment: MOVES, control: MOVES })
    expect(unexpectedIn(rows)).toEqual([])
  })

  test('asks only of the disturbances that were carried out, and of what nothing moves', () => {
    const names = ['names', 'failover']
    const rows = MOVED.rows.filter(row => 'unmoved' in row || names.includes(row.in))
    expect(unexpectedIn(rows, names)).toEqual([])
    expect(unexpectedIn([], ['names'])).toContain('Alerting: delivery: was not looked at')
    expect(unexpectedIn([], ['names'])).not.toContain('CPU: was not looked at')
  })
})
