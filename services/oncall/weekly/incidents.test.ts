import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { BadMoment } from './impact.ts'
import { foldSevs, type IncidentFacts, openIncidents, type ServiceAlert, startOf } from './incidents.ts'
import type { AttackWindow } from './report.ts'

const T = Date.UTC(2026, 10, 21, 10, 30)
const at = (seconds: number) => T + seconds * 1000

/** An alert that opens an incident of level 2, from and until these seconds. */
function alert(
  firedSeconds: number,
  endedSeconds: number | null,
  change: Partial<ServiceAlert> = {},
): ServiceAlert {
  return {
    ...{ name: 'RunBudgetBurnFast', group: 'experiment', service: 'gateway', sev: 2, slo: null },
    ...{ profile: 'run', notifiedMs: null },
    firedMs: at(firedSeconds),
    endedMs: endedSeconds === null ? null : at(endedSeconds),
    ...change,
  }
}
const month = { name: 'MonthBudgetBurnCreeping', profile: '30d', sev: 4 } as const

/** Bad at every instant from the first to the last, both included. */
function bad(fromSeconds: number, untilSeconds: number, change: Partial<BadMoment> = {}) {
  return Array.from({ length: (untilSeconds - fromSeconds) / 5 + 1 }, (_, index) => ({
    ...{ group: 'experiment', service: 'gateway', slo: 'gateway-availability' },
    ...{ budget: 0.002, badRatio: 0.5, badPerSecond: 10, controlRatio: 0 },
    atMs: at(fromSeconds + index * 5),
    ...change,
  }))
}

const attack = (change: Partial<AttackWindow> = {}): AttackWindow => ({
  ...{ runId: 'run-1', fault: 0, kind: 'kill-pod', group: 'experiment', service: 'gateway', zone: null },
  ...{ beginMs: at(102), endMs: at(162), untilMs: at(300) },
  ...change,
})

function fold(facts: Partial<IncidentFacts>) {
  return foldSevs({
    ...{ alerts: [], moments: [], attacks: [], forSeconds: new Map(), takenUntilMs: at(100_000) },
    ...facts,
  })
}
const only = (facts: Partial<IncidentFacts>) => {
  const sevs = fold(facts)
  expect(sevs).toHaveLength(1)
  const [sev] = sevs
  if (sev === undefined) throw new Error('Cannot find the incident')
  return sev
}

describe('openIncidents()', () => {
  const bounds = (...alerts: ServiceAlert[]) =>
    openIncidents(alerts).map(({ level, openedMs, endedMs }) => [
      level,
      (openedMs - T) / 1000,
      endedMs === null ? null : (endedMs - T) / 1000,
    ])

  test.each([
    { title: 'is as long as its alert', alerts: [alert(0, 60)], is: [[2, 0, 60]] },
    { title: 'goes on while its alert does', alerts: [alert(0, null)], is: [[2, 0, null]] },
    {
      title: 'is one while alerts overlap, with the worst level of them',
      alerts: [alert(0, 60, { sev: 3 }), alert(30, 40, { sev: 1 }), alert(50, 90, { sev: 4 })],
      is: [[1, 0, 90]],
    },
    {
      title: 'is the same a quarter of an hour later',
      alerts: [alert(0, 60), alert(960, 990)],
      is: [[2, 0, 990]],
    },
    {
      title: 'lasts as long as the longest of its alerts',
      alerts: [alert(0, 2_000), alert(10, 20), alert(1_500, 1_600)],
      is: [[2, 0, 2_000]],
    },
    {
      title: 'is another one after that',
      alerts: [alert(960.001, 990), alert(0, 60)],
      is: [
        [2, 0, 60],
        [2, 960.001, 990],
      ],
    },
    { title: 'is opened by alerts with a level only', alerts: [alert(0, 60, { sev: null })], is: [] },
    {
      title: 'is one of each service in each group',
      alerts: [alert(0, 60), alert(1, 60, { group: 'control' }), alert(2, 60, { service: 'edge' })],
      is: [
        [2, 0, 60],
        [2, 1, 60],
        [2, 2, 60],
      ],
    },
    {
      title: 'is not made longer by the budget of a month, which raises its level all the same',
      alerts: [alert(0, 60, { sev: 3 }), alert(-60, 40_000, { ...month, sev: 2 }), alert(20_000, 20_060)],
      is: [
        [2, 0, 60],
        [2, 20_000, 20_060],
      ],
    },
    {
      title: 'is of a month until an outage begins',
      alerts: [alert(0, 40_000, month), alert(20_000, 20_060), alert(22_000, null, month)],
      is: [
        [4, 0, 20_000],
        [2, 20_000, 20_060],
        [4, 22_000, null],
      ],
    },
  ])('$title', ({ alerts, is }) => {
    expect(bounds(...alerts)).toEqual(is)
  })
})

describe('foldSevs()', () => {
  // Bad events came from 102 to 148 s: seen from 105 to 160 s.
  const outage = bad(105, 160)

  test('tells an outage from its begin to its end', () => {
    const sev = only({
      alerts: [
        alert(135, 400, { slo: 'gateway-availability', notifiedMs: at(141) }),
        alert(120, 300, { name: 'TargetDown', sev: null, profile: null, notifiedMs: at(145) }),
      ],
      moments: [...outage, ...bad(150, 155, { slo: 'gateway-latency' })],
      attacks: [attack()],
      forSeconds: new Map([['TargetDown', 15]]),
    })

    expect(sev).toEqual({
      id: 'SEV2-experiment-gateway-20261121T103215Z',
      group: 'experiment',
      service: 'gateway',
      level: 2,
      openedMs: at(135),
      endedMs: at(400),
      induced: true,
      runId: 'run-1',
      alerts: ['RunBudgetBurnFast'],
      slos: ['gateway-availability', 'gateway-latency'],
      impact: { fromMs: at(100), toMs: at(150), isOver: true },
      sharedCause: false,
      detection: { outcome: 'detected', atMs: at(120), afterMs: 20_000, alert: 'TargetDown' },
      recoverMs: 30_000,
      restoreMs: 50_000,
      chain: {
        injectedMs: at(102),
        impactMs: at(102),
        pendingMs: at(105),
        firingMs: at(120),
        notifiedMs: at(141),
      },
    })
    expect(startOf(sev)).toBe(at(100))
  })

  test.each([
    { title: 'detected as it begins', alerts: [alert(100, 200)], is: ['detected', 0, 50_000] },
    { title: 'detected as it ends', alerts: [alert(150, 200)], is: ['detected', 50_000, 0] },
    { title: 'missed when the alert came later', alerts: [alert(151, 200)], is: ['missed', null, null] },
    {
      title: 'pre-existing when an alert of the service fires already',
      alerts: [alert(120, 200), alert(50, 101, { name: 'TargetDown', sev: null })],
      is: ['pre_existing', null, null],
    },
    {
      title: 'detected when that alert had ended',
      alerts: [alert(120, 200), alert(50, 100, { name: 'TargetDown', sev: null })],
      is: ['detected', 20_000, 30_000],
    },
    {
      title: 'detected when only the budget of a month was nearly spent',
      alerts: [alert(120, 200), alert(50, null, { ...month, sev: null })],
      is: ['detected', 20_000, 30_000],
    },
    {
      title: 'detected whatever fires of another service, or in the other group',
      alerts: [
        alert(120, 200),
        alert(50, 300, { sev: null, service: 'edge' }),
        alert(50, 300, { sev: null, group: 'control' }),
      ],
      is: ['detected', 20_000, 30_000],
    },
  ])('$title', ({ alerts, is }) => {
    const { detection, recoverMs, restoreMs } = only({ alerts, moments: outage })
    const afterMs = detection.outcome === 'detected' ? detection.afterMs : null
    expect([detection.outcome, afterMs, recoverMs]).toEqual(is)
    expect(restoreMs).toBe(50_000)
  })

  test('knows no end of an impact before a good minute was seen', () => {
    const facts = { alerts: [alert(120, 200)], moments: outage }
    expect(only({ ...facts, takenUntilMs: at(219) })).toMatchObject({
      impact: { toMs: at(150), isOver: false },
      detection: { outcome: 'detected' },
      recoverMs: null,
      restoreMs: null,
    })
    expect(only({ ...facts, takenUntilMs: at(220) })).toMatchObject({
      impact: { isOver: true },
      restoreMs: 50_000,
    })
    expect(only({ ...facts, takenUntilMs: null }).impact?.isOver).toBe(false)
  })

  test('has no impact where nothing is known of it', () => {
    expect(only({ alerts: [alert(135, 400)] })).toMatchObject({
      impact: null,
      detection: { outcome: 'no_impact' },
      recoverMs: null,
      restoreMs: null,
      chain: { injectedMs: null, impactMs: null, pendingMs: null, firingMs: at(135), notifiedMs: null },
    })
  })

  test('takes off what the control group lost, and says so when that was the most of it', () => {
    const shared = bad(105, 160, { controlRatio: 0.5 })
    const alerts = [alert(135, 400)]
    expect(only({ alerts, moments: shared })).toMatchObject({ impact: null, sharedCause: true })
    // A little more than the control: an impact, with a shared cause.
    const worse = bad(105, 160, { controlRatio: 0.49 })
    expect(only({ alerts, moments: worse })).toMatchObject({ impact: { fromMs: at(100) }, sharedCause: true })
    expect(only({ alerts, moments: outage }).sharedCause).toBe(false)
  })

  test('counts what stopped and came again until the incident was over as one impact', () => {
    const moments = [...outage, ...bad(500, 505), ...bad(3_000, 3_005)]
    const sev = only({ alerts: [alert(120, 200), alert(510, 600)], moments })
    expect(sev.impact).toEqual({ fromMs: at(100), toMs: at(500), isOver: true })
  })

  test('begins with the outage, and not with a slow request of some minutes before', () => {
    const stray = bad(-300, -290, { badPerSecond: 0.07 })
    const after = bad(350, 360, { badPerSecond: 0.07 })
    const sev = only({ alerts: [alert(135, 400)], moments: [...stray, ...outage, ...after] })
    expect(sev.impact).toMatchObject({ fromMs: at(100), toMs: at(150) })
    expect(only({ alerts: [alert(135, 400)], moments: stray }).impact).toMatchObject({ fromMs: at(-305) })
  })

  test('takes no impact that lies long before, or that another incident had', () => {
    const early = bad(-1_000, -990)
    // It was over 1,120 s before the alert.
    expect(only({ alerts: [alert(120, 200)], moments: early }).impact).toBeNull()
    // It went on after the first incident was over, and until shortly before the second.
    const [first, second] = fold({ alerts: [alert(120, 200), alert(1_101, 1_200)], moments: bad(105, 1_010) })
    expect(first?.impact).toEqual({ fromMs: at(100), toMs: at(1_000), isOver: true })
    expect(second?.impact).toBeNull()
  })

  test.each([
    { title: 'during the attack', attacks: [attack()], runId: 'run-1' },
    // The first bad instant is 105 s: it may have begun at any time after 100 s.
    { title: 'within the step in which it began', attacks: [attack({ beginMs: at(105) })], runId: 'run-1' },
    { title: 'before the attack', attacks: [attack({ beginMs: at(106) })], runId: null },
    {
      title: 'when the attack is over',
      attacks: [attack({ beginMs: at(0), untilMs: at(100) })],
      runId: null,
    },
    { title: 'while it is on', attacks: [attack({ untilMs: null })], runId: 'run-1' },
    { title: 'out of its blast radius', attacks: [attack({ service: 'edge' })], runId: null },
    { title: 'above what is attacked', attacks: [attack({ service: 'database' })], runId: 'run-1' },
    { title: 'with no service of its own', attacks: [attack({ service: null })], runId: 'run-1' },
    { title: 'in the other group', attacks: [attack({ group: 'control' })], runId: null },
    {
      title: 'during the later one of two attacks',
      attacks: [attack({ beginMs: at(50) }), attack({ runId: 'run-2' }), attack({ beginMs: at(40) })],
      runId: 'run-2',
    },
  ])('belongs to a run that began $title: $runId', ({ attacks, runId }) => {
    const sev = only({ alerts: [alert(135, 400)], moments: outage, attacks })
    expect([sev.induced, sev.runId]).toEqual([runId !== null, runId])
  })

  test('goes by the alert where there is no impact', () => {
    const facts = { alerts: [alert(135, 400)] }
    expect(only({ ...facts, attacks: [attack({ beginMs: at(135) })] }).induced).toBe(true)
    expect(only({ ...facts, attacks: [attack({ beginMs: at(136) })] }).induced).toBe(false)
  })

  test('detect and recover are restore, exactly', () => {
    const seconds = fc.integer({ min: 0, max: 400 })
    fc.assert(
      fc.property(
        fc.array(seconds, { minLength: 1 }),
        fc.array(seconds, { minLength: 1 }),
        (badAt, firedAt) => {
          const moments = badAt.flatMap(each => bad(each * 5, each * 5))
          const alerts = firedAt.map(each => alert(each * 5 + 1.234, each * 5 + 60))
          for (const { detection, impact, recoverMs, restoreMs } of fold({ alerts, moments })) {
            if (impact !== null) expect(restoreMs).toBe(impact.toMs - impact.fromMs)
            if (detection.outcome !== 'detected') expect(recoverMs).toBeNull()
            else expect(detection.afterMs + (recoverMs ?? Number.NaN)).toBe(restoreMs)
            expect(recoverMs ?? 0).toBeGreaterThanOrEqual(0)
          }
        },
      ),
    )
  })
})
