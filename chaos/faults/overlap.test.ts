import { describe, expect, test } from '@jest/globals'
import { type AnyFault, faultSchema } from './catalogue.ts'
import { conflicts, scheduleOf } from './overlap.ts'

function fault(kind: string, select: object, rest: object): AnyFault {
  return faultSchema.parse({ kind, select: { group: 'experiment', ...select }, ...rest })
}

const at = (offsetSeconds: number, durationSeconds: number) => ({ offsetSeconds, durationSeconds })
const pause = (select: object, when: object) => fault('pause', { services: ['gateway'], ...select }, when)
const loss = (select: object, when: object) =>
  fault('loss', { services: ['gateway'], ...select }, { lossPercent: 5, ...when })
const cpu = (select: object, when: object) => fault('cpu', { services: ['gateway'], ...select }, when)
const outage = (zone: string, when: object) => fault('zone-outage', { zone }, when)
const kill = (select: object, offsetSeconds: number) => fault('kill-pod', select, { offsetSeconds })

describe('scheduleOf()', () => {
  test('is parallel at offsets, and serial where a fault says so', () => {
    const faults = [
      cpu({}, at(2, 10)),
      cpu({}, at(3, 4)),
      cpu({}, { ...at(5, 6), after: 'previous' }),
      fault('kill-pod', { services: ['gateway'] }, { offsetSeconds: 1, after: 'previous' }),
      cpu({}, { ...at(0, 1), after: 'previous' }),
    ]
    expect(scheduleOf(faults).map(({ beginSeconds, endSeconds }) => [beginSeconds, endSeconds])).toEqual([
      [2, 12],
      [3, 7],
      [12, 18],
      [19, 19],
      [19, 20],
    ])
  })
})

describe('conflicts()', () => {
  test.each<[string, AnyFault, AnyFault]>([
    ['one right after the other', pause({}, at(0, 10)), pause({}, at(10, 10))],
    ['another service', pause({}, at(0, 10)), pause({ services: ['database'] }, at(5, 10))],
    ['another zone', pause({ zone: 'a' }, at(0, 10)), pause({ zone: 'b' }, at(5, 10))],
    [
      'another role',
      fault('slow-database', { role: 'primary' }, at(0, 10)),
      kill({ services: ['database'], role: 'replica' }, 5),
    ],
    ['what can be combined', cpu({}, at(0, 10)), loss({}, at(5, 10))],
    ['a zone and the load', outage('a', at(0, 10)), fault('surge', {}, { ...at(0, 10), factor: 2 })],
    [
      'a killed pod in a full cluster',
      fault('oversubscribe', {}, at(0, 10)),
      kill({ services: ['gateway'] }, 5),
    ],
  ])('allows %s', (_title, one, other) => {
    expect(conflicts([one, other])).toEqual([])
  })

  test.each<[string, AnyFault, AnyFault]>([
    ['the same twice', cpu({}, at(0, 10)), cpu({ zone: 'a' }, at(5, 10))],
    ['the same at the same moment', kill({ services: ['gateway'] }, 5), kill({ services: ['gateway'] }, 5)],
    ['a pod that is killed meanwhile', loss({}, at(0, 10)), kill({ services: ['gateway'] }, 5)],
    ['a fault in a zone without power', outage('b', at(0, 10)), loss({ zone: 'b' }, at(5, 10))],
    ["a zone that may be the primary's", outage('primary', at(0, 10)), loss({ zone: 'b' }, at(5, 10))],
    ['picks that may be the same', loss({ count: 1 }, at(0, 10)), loss({ count: 1 }, at(5, 10))],
    [
      'two surges',
      fault('surge', {}, { ...at(0, 10), factor: 2 }),
      fault('surge', {}, { ...at(5, 9), factor: 3 }),
    ],
    [
      'sessions on a primary that is killed',
      fault('slow-database', {}, at(0, 10)),
      fault('kill-primary', {}, { offsetSeconds: 5 }),
    ],
    ['a fault within a longer one', outage('a', at(0, 30)), outage('a', at(10, 5))],
  ])('tells of %s, in either order', (_title, one, other) => {
    expect(conflicts([one, other])).toEqual([{ first: 0, second: 1 }])
    expect(conflicts([other, one])).toEqual([{ first: 0, second: 1 }])
  })

  test('tells of each pair', () => {
    const faults = [pause({}, at(0, 9)), cpu({}, at(0, 9)), loss({}, at(0, 9))]
    expect(conflicts(faults)).toEqual([
      { first: 0, second: 1 },
      { first: 0, second: 2 },
    ])
  })
})
