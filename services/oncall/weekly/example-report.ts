import type {
  AlertCounts,
  FrequentAlert,
  Mean,
  Reliability,
  RuleScore,
  Sev,
  SevLevel,
  Spread,
  WeekReport,
} from './report.ts'

/*
 * A week as tests and the console's example see it, with every kind of row: alone and induced, both groups and the lab
 * itself, found and missed, open and over, few and none.
 */

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const FROM_MS = Date.UTC(2026, 10, 16)
const MADE_MS = FROM_MS + 5 * DAY_MS + 12 * HOUR_MS

const at = (day: number, hour: number, minute: number, second = 0) =>
  FROM_MS + day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS

const OUTAGE_RUN = '20261120T093000Z-zone-outage'
const LATENCY_RUN = '20261121T103354Z-network-latency'
const KILL_RUN = '20261119T141000Z-primary-kill'
const SKEW_RUN = '20261119T163000Z-clock-skew'

const NO_SPREAD: Spread = { n: 0, meanMs: null, p50Ms: null, p90Ms: null }
const NO_MEAN: Mean = { ...NO_SPREAD, lowMs: null, highMs: null, isFew: true }

function spread(n: number, p50Seconds: number, p90Seconds: number, meanSeconds: number): Spread {
  return {
    n,
    meanMs: meanSeconds * SECOND_MS,
    p50Ms: p50Seconds * SECOND_MS,
    p90Ms: p90Seconds * SECOND_MS,
  }
}

/** @param bounds seconds; null below two values */
function mean(of: Spread, bounds: readonly [number, number] | null): Mean {
  const [low, high] = bounds ?? [null, null]
  return {
    ...of,
    lowMs: low === null ? null : low * SECOND_MS,
    highMs: high === null ? null : high * SECOND_MS,
    isFew: of.n < 5,
  }
}

const NO_ALERTS: Omit<AlertCounts, 'group' | 'service' | 'induced'> = {
  events: 0,
  carriedOver: 0,
  open: 0,
  oldestOpenMs: null,
  expired: 0,
  unknown: 0,
  flaps: 0,
  noisy: 0,
  selfResolving: 0,
  notified: 0,
  clockSuspect: 0,
  resolution: NO_SPREAD,
}

const ALERTS: readonly AlertCounts[] = [
  {
    ...NO_ALERTS,
    ...{ group: 'control', service: 'gateway', induced: false },
    ...{ events: 4, flaps: 3, noisy: 2, selfResolving: 2, notified: 2 },
    resolution: spread(4, 74, 310, 131),
  },
  {
    ...NO_ALERTS,
    ...{ group: 'control', service: 'database', induced: false },
    ...{ events: 1, carriedOver: 1, open: 1, oldestOpenMs: 6.2 * DAY_MS, notified: 1 },
  },
  {
    ...NO_ALERTS,
    ...{ group: 'experiment', service: 'gateway', induced: false },
    ...{
      events: 6,
      expired: 1,
      unknown: 1,
      flaps: 1,
      noisy: 3,
      selfResolving: 3,
      notified: 2,
      clockSuspect: 1,
    },
    resolution: spread(3, 96, 220, 124),
  },
  {
    ...NO_ALERTS,
    ...{ group: null, service: null, induced: false },
    ...{ events: 1, open: 1, oldestOpenMs: 5.4 * DAY_MS },
  },
  {
    ...NO_ALERTS,
    ...{ group: 'experiment', service: 'gateway', induced: true },
    ...{ events: 17, flaps: 5, selfResolving: 9, notified: 12 },
    resolution: spread(17, 61, 184, 83),
  },
  {
    ...NO_ALERTS,
    ...{ group: 'experiment', service: 'recommender', induced: true },
    ...{ events: 8, flaps: 2, selfResolving: 6, notified: 5 },
    resolution: spread(8, 45, 120, 58),
  },
  {
    ...NO_ALERTS,
    ...{ group: 'experiment', service: 'database', induced: true },
    ...{ events: 5, open: 1, oldestOpenMs: 26 * MINUTE_MS, selfResolving: 2, notified: 4 },
    resolution: spread(4, 32, 71, 41),
  },
]

function frequent(
  service: string,
  group: string,
  rows: readonly (readonly [
    name: string,
    events: number,
    induced: number,
    firingSeconds: number,
    before: number | null,
  ])[],
): FrequentAlert[] {
  return rows.map(([name, events, induced, firingSeconds, rankBefore], index) => ({
    group,
    service,
    rank: index + 1,
    name,
    events,
    induced,
    flaps: Math.floor(events / 3),
    firingMs: firingSeconds * SECOND_MS,
    noisyShare: index % 3 === 0 ? 0.25 : 0,
    rankBefore,
  }))
}

const FREQUENT: readonly FrequentAlert[] = [
  ...frequent('gateway', 'control', [
    ['GatewayLatencyBudgetBurn', 3, 0, 372, 1],
    ['LoadShed', 1, 0, 152, null],
  ]),
  ...frequent('database', 'control', [['ReplicationLag', 1, 0, 48_300, 2]]),
  ...frequent('gateway', 'experiment', [
    ['GatewayAvailabilityBudgetBurn', 9, 7, 812, 3],
    ['GatewayLatencyBudgetBurn', 6, 5, 540, 2],
    ['RetriesOverBudget', 4, 4, 260, null],
    ['BreakerOpen', 3, 1, 188, 1],
    ['MostlyFailing', 1, 0, 31, 4],
  ]),
  ...frequent('recommender', 'experiment', [
    ['RecommenderDatabaseErrors', 5, 5, 290, 1],
    ['NetworkLatencyHigh', 3, 3, 174, null],
  ]),
  ...frequent('database', 'experiment', [
    ['DatabaseFailover', 3, 3, 90, 1],
    ['DatabaseNoSyncStandby', 2, 2, 74, 2],
  ]),
]

const NO_CHAIN: Sev['chain'] = {
  injectedMs: null,
  impactMs: null,
  pendingMs: null,
  firingMs: null,
  notifiedMs: null,
}

function sev(group: string, service: string, level: SevLevel, openedMs: number, more: Partial<Sev>): Sev {
  const stamp = new Date(openedMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
  return {
    id: `SEV${level}-${group}-${service}-${stamp}Z`,
    group,
    service,
    level,
    openedMs,
    endedMs: openedMs + 6 * MINUTE_MS,
    induced: false,
    runId: null,
    alerts: ['GatewayAvailabilityBudgetBurn'],
    slos: ['gateway-availability'],
    impact: null,
    sharedCause: false,
    detection: { outcome: 'no_impact' },
    recoverMs: null,
    restoreMs: null,
    chain: NO_CHAIN,
    ...more,
  }
}

const OUTAGE_MS = at(4, 9, 33)
const LATENCY_MS = at(5, 10, 35)
const KILL_MS = at(3, 14, 13)

/** Zone outages of the days before, each found a bit later than the one before. */
const OUTAGES: readonly {
  readonly runId: string
  readonly attackMs: number
  readonly afterSeconds: number
}[] = [
  { runId: '20261116T093000Z-zone-outage', attackMs: at(0, 9, 33), afterSeconds: 33 },
  { runId: '20261117T093000Z-zone-outage', attackMs: at(1, 9, 33), afterSeconds: 36 },
  { runId: '20261118T093000Z-zone-outage', attackMs: at(2, 9, 33), afterSeconds: 40 },
  { runId: '20261119T093000Z-zone-outage', attackMs: at(3, 9, 33), afterSeconds: 42 },
  { runId: '20261119T213000Z-zone-outage', attackMs: at(3, 21, 33), afterSeconds: 61 },
]

function outageSev({ runId, attackMs, afterSeconds }: (typeof OUTAGES)[number]): Sev {
  const [fromMs, atMs] = [attackMs + SECOND_MS, attackMs + (afterSeconds + 1) * SECOND_MS]
  return sev('experiment', 'gateway', 2, atMs, {
    induced: true,
    runId,
    impact: { fromMs, toMs: atMs + 120 * SECOND_MS, isOver: true },
    detection: {
      outcome: 'detected',
      atMs,
      afterMs: afterSeconds * SECOND_MS,
      alert: 'GatewayAvailabilityBudgetBurn',
    },
    recoverMs: 120 * SECOND_MS,
    restoreMs: (120 + afterSeconds) * SECOND_MS,
    chain: { ...NO_CHAIN, injectedMs: attackMs, impactMs: fromMs, firingMs: atMs },
  })
}

const SEVS: readonly Sev[] = [
  ...OUTAGES.map(outageSev),
  sev('control', 'gateway', 4, at(1, 2, 40), {
    alerts: ['MonthBudgetBurnCreeping'],
    slos: ['gateway-latency'],
    endedMs: at(2, 5, 10),
  }),
  sev('experiment', 'database', 1, KILL_MS + 24 * SECOND_MS, {
    induced: true,
    runId: KILL_RUN,
    alerts: ['DatabaseWithoutPrimary', 'MostlyFailing'],
    impact: { fromMs: KILL_MS + 2 * SECOND_MS, toMs: KILL_MS + 71 * SECOND_MS, isOver: true },
    detection: {
      outcome: 'detected',
      atMs: KILL_MS + 24 * SECOND_MS,
      afterMs: 22 * SECOND_MS,
      alert: 'DatabaseWithoutPrimary',
    },
    recoverMs: 47 * SECOND_MS,
    restoreMs: 69 * SECOND_MS,
    chain: {
      injectedMs: KILL_MS,
      impactMs: KILL_MS + 2 * SECOND_MS,
      pendingMs: KILL_MS + 14 * SECOND_MS,
      firingMs: KILL_MS + 24 * SECOND_MS,
      notifiedMs: KILL_MS + 29 * SECOND_MS,
    },
  }),
  sev('experiment', 'gateway', 2, OUTAGE_MS + 41 * SECOND_MS, {
    induced: true,
    runId: OUTAGE_RUN,
    impact: { fromMs: OUTAGE_MS + SECOND_MS, toMs: OUTAGE_MS + 168 * SECOND_MS, isOver: true },
    detection: {
      outcome: 'detected',
      atMs: OUTAGE_MS + 41 * SECOND_MS,
      afterMs: 40 * SECOND_MS,
      alert: 'GatewayAvailabilityBudgetBurn',
    },
    recoverMs: 127 * SECOND_MS,
    restoreMs: 167 * SECOND_MS,
    chain: {
      injectedMs: OUTAGE_MS,
      impactMs: OUTAGE_MS + SECOND_MS,
      pendingMs: null,
      firingMs: OUTAGE_MS + 41 * SECOND_MS,
      notifiedMs: null,
    },
  }),
  sev('experiment', 'gateway', 3, at(4, 21, 4), {
    sharedCause: true,
    alerts: ['BreakerOpen', 'GatewayLatencyBudgetBurn'],
    impact: { fromMs: at(4, 21, 6), toMs: at(4, 21, 11), isOver: true },
    detection: { outcome: 'pre_existing', alert: 'BreakerOpen' },
  }),
  sev('experiment', 'gateway', 3, LATENCY_MS + 90 * SECOND_MS, {
    induced: true,
    runId: LATENCY_RUN,
    endedMs: null,
    alerts: ['GatewayLatencyBudgetBurn'],
    slos: ['gateway-latency'],
    impact: { fromMs: LATENCY_MS, toMs: LATENCY_MS + 80 * SECOND_MS, isOver: false },
    detection: { outcome: 'missed' },
  }),
]

const NO_SEVS: Reliability['sevs'] = { 1: 0, 2: 0, 3: 0, 4: 0 }
const UNHURT: Omit<Reliability, 'group' | 'service' | 'induced'> = {
  sevs: NO_SEVS,
  carriedOver: 0,
  detect: NO_MEAN,
  detected: 0,
  withImpact: 0,
  preExisting: 0,
  missed: 0,
  recover: NO_MEAN,
  restore: NO_MEAN,
  mtbfMs: null,
  uptimeMs: 4 * DAY_MS + 22 * HOUR_MS,
  isFew: true,
}

const RELIABILITY: readonly Reliability[] = [
  {
    ...UNHURT,
    ...{ group: 'control', service: 'gateway', induced: false },
    sevs: { ...NO_SEVS, 4: 1 },
    mtbfMs: 4 * DAY_MS + 22 * HOUR_MS,
  },
  { ...UNHURT, group: 'control', service: 'database', induced: false },
  {
    ...UNHURT,
    ...{ group: 'experiment', service: 'gateway', induced: false, preExisting: 1 },
    sevs: { ...NO_SEVS, 3: 1 },
    mtbfMs: 4 * DAY_MS + 21 * HOUR_MS,
    uptimeMs: 4 * DAY_MS + 21 * HOUR_MS,
  },
  { ...UNHURT, group: 'experiment', service: 'database', induced: false },
  {
    ...UNHURT,
    ...{ group: 'experiment', service: 'gateway', induced: true },
    sevs: { ...NO_SEVS, 2: 6, 3: 1 },
    ...{ carriedOver: 1, detected: 6, withImpact: 7, missed: 1 },
    detect: mean(spread(6, 38, 61, 42), [33, 51]),
    recover: mean(spread(6, 118, 160, 121), [98, 146]),
    restore: mean(spread(6, 158, 205, 163), [137, 190]),
    mtbfMs: (4 * DAY_MS + 22 * HOUR_MS) / 7,
    uptimeMs: 4 * DAY_MS + 22 * HOUR_MS,
    isFew: false,
  },
  {
    ...UNHURT,
    ...{ group: 'experiment', service: 'database', induced: true },
    sevs: { ...NO_SEVS, 1: 1 },
    ...{ detected: 1, withImpact: 1 },
    detect: mean(spread(1, 22, 22, 22), null),
    recover: mean(spread(1, 47, 47, 47), null),
    restore: mean(spread(1, 69, 69, 69), null),
    mtbfMs: 4 * DAY_MS + 22 * HOUR_MS,
  },
]

const rule = (
  name: string,
  [events, induced]: readonly [number, number],
  [attacks, found]: readonly [number, number],
  delay: Spread,
): RuleScore => ({ rule: name, events, induced, attacks, found, delay })

const RULES: readonly RuleScore[] = [
  rule('GatewayAvailabilityBudgetBurn', [9, 7], [9, 8], spread(8, 41, 62, 45)),
  rule('DatabaseFailover', [3, 3], [1, 1], spread(1, 18, 18, 18)),
  rule('NetworkLatencyHigh', [3, 3], [2, 2], spread(2, 27, 33, 30)),
  rule('BreakerOpen', [3, 0], [0, 0], NO_SPREAD),
]

/** A week that is not over, with a bit of everything. */
export function exampleReport(): WeekReport {
  return {
    week: '2026-W47',
    fromMs: FROM_MS,
    toMs: FROM_MS + 7 * DAY_MS,
    madeMs: MADE_MS,
    isPartial: true,
    observedMs: 5 * DAY_MS + 10 * HOUR_MS,
    gapMs: 2 * HOUR_MS,
    alerts: ALERTS,
    frequent: FREQUENT,
    sevs: SEVS,
    reliability: RELIABILITY,
    rules: RULES,
    coverage: {
      kinds: [
        {
          kind: 'clock-skew',
          attacks: 1,
          rules: [],
          panels: ['Infrastructure / Clock offset'],
        },
        {
          kind: 'kill-primary',
          attacks: 1,
          rules: [
            { rule: 'DatabaseFailover', found: 1 },
            { rule: 'GatewayAvailabilityBudgetBurn', found: 1 },
          ],
          panels: ['Pipeline / Primary', 'Pipeline / Replication lag'],
        },
        {
          kind: 'latency',
          attacks: 2,
          rules: [
            { rule: 'GatewayAvailabilityBudgetBurn', found: 1 },
            { rule: 'NetworkLatencyHigh', found: 2 },
          ],
          panels: ['Steady state / Latency, p95'],
        },
        {
          kind: 'zone-outage',
          attacks: 6,
          rules: [{ rule: 'GatewayAvailabilityBudgetBurn', found: 6 }],
          panels: [],
        },
      ],
      silentKinds: ['clock-skew'],
      unseenKinds: ['zone-outage'],
    },
    leaks: [
      {
        ...{ name: 'GatewayLatencyBudgetBurn', group: 'control', service: 'gateway', zone: 'a' },
        ...{ firedMs: OUTAGE_MS + 50 * SECOND_MS, endedMs: OUTAGE_MS + 110 * SECOND_MS, runId: OUTAGE_RUN },
      },
    ],
    leakCount: 1,
    undelivered: [
      {
        ...{ name: 'ReplicationLag', group: 'control', service: 'database', zone: null },
        ...{ firedMs: at(0, 22, 35), endedMs: null, runId: null },
      },
      {
        ...{ name: 'BreakerOpen', group: 'experiment', service: 'gateway', zone: 'b' },
        ...{ firedMs: at(4, 20, 58), endedMs: at(4, 21, 13), runId: null },
      },
    ],
    undeliveredCount: 61,
    beyondCount: 2,
    runs: [
      ...OUTAGES.map(({ runId, attackMs }) => ({
        ...{ runId, name: 'zone-outage', level: 'zone', openedMs: attackMs - 3 * MINUTE_MS },
        ...{ state: 'judged', verdict: 'diverged', aborted: false },
      })),
      {
        ...{ runId: KILL_RUN, name: 'primary-kill', level: 'application', openedMs: at(3, 14, 10) },
        ...{ state: 'judged', verdict: 'diverged', aborted: false },
      },
      {
        ...{ runId: SKEW_RUN, name: 'clock-skew', level: 'infrastructure', openedMs: at(3, 16, 30) },
        ...{ state: 'judged', verdict: 'resilient', aborted: false },
      },
      {
        ...{ runId: OUTAGE_RUN, name: 'zone-outage', level: 'zone', openedMs: at(4, 9, 30) },
        ...{ state: 'judged', verdict: 'diverged', aborted: true },
      },
      {
        ...{
          runId: LATENCY_RUN,
          name: 'network-latency',
          level: 'network',
          openedMs: LATENCY_MS - 66 * SECOND_MS,
        },
        ...{ state: 'running', verdict: null, aborted: false },
      },
    ],
  }
}

/** The week before: nothing was in it, and little of it was looked at. */
export function emptyReport(): WeekReport {
  const fromMs = FROM_MS - 7 * DAY_MS
  return {
    week: '2026-W46',
    fromMs,
    toMs: FROM_MS,
    madeMs: MADE_MS,
    isPartial: false,
    observedMs: 0.02 * 7 * DAY_MS,
    gapMs: 0.98 * 7 * DAY_MS,
    alerts: [],
    frequent: [],
    sevs: [],
    reliability: [],
    rules: [],
    coverage: { kinds: [], silentKinds: [], unseenKinds: [] },
    leaks: [],
    leakCount: 0,
    undelivered: [],
    undeliveredCount: 0,
    beyondCount: 0,
    runs: [],
  }
}

/** A week with one alert, one incident and one experiment in it. */
export function smallReport(): WeekReport {
  const { alerts, frequent: ranked, sevs, reliability, runs, ...rest } = exampleReport()
  return {
    ...rest,
    alerts: alerts.filter(({ service, induced }) => service === 'database' && induced),
    frequent: ranked.slice(-2, -1),
    sevs: sevs.filter(({ level }) => level === 1),
    reliability: reliability.slice(-1),
    runs: runs.filter(({ name }) => name === 'primary-kill'),
    rules: RULES.slice(1, 2),
    coverage: { kinds: rest.coverage.kinds.slice(1, 2), silentKinds: [], unseenKinds: [] },
    leaks: [],
    leakCount: 0,
    undelivered: [],
    undeliveredCount: 0,
    beyondCount: 0,
  }
}
