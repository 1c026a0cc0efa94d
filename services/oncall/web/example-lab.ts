import { GROUPS, ZONES } from '../../../platform/topology.ts'
import type {
  AlertEvent,
  AttackState,
  ErrorEvent,
  EventGroup,
  LiveState,
  RunDetail,
  ServiceCell,
  TimelineEntry,
} from '../contract.ts'
import { OUTSIDE, ZONED } from './live/freshness.ts'

/*
 * A lab as the console's tests see it: an attack on the network of a recommender in zone b, 20 s old, in a run that is
 * on. Instants are told from `nowMs`.
 */

export const RUN_ID = '20261121T103354Z-network-latency'
export const FINGERPRINT = '5f1d7a84db00d2fce00b31a7fc73224f'
export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'

export function exampleAttack(nowMs: number): AttackState {
  return {
    runId: RUN_ID,
    fault: 0,
    kind: 'latency',
    targets: ['recommender-686f59f5dc-fp676'],
    group: 'experiment',
    service: 'recommender',
    zone: 'b',
    beginMs: nowMs - 20_000,
    endMs: null,
    effect: { proven: true, detail: '17 packets held for 100 ms ± 20 ms after 1.2 s' },
  }
}

export function exampleRun(nowMs: number): RunDetail {
  return {
    runId: RUN_ID,
    name: 'network-latency',
    level: 'network',
    hypothesis:
      'When every packet to one of three recommenders is 100 ms late, the gateways turn away from it: at most 1 in 500 more requests fail than in the untouched group.',
    state: 'running',
    openedMs: nowMs - 75_000,
    endedMs: null,
    heardMs: nowMs - 800,
    phase: 'attack',
    verdict: null,
    aborted: false,
    abort: {
      atMs: nowMs - 900,
      eValue: 14.4,
      limit: 100,
      detail: "6 of 6 failed requests of the attack are the experiment's, 3.0 if the groups were alike.",
    },
    hasReport: false,
    reasons: [],
    attacks: [exampleAttack(nowMs)],
    timeline: timeline(nowMs),
  }
}

function timeline(nowMs: number): readonly TimelineEntry[] {
  const entry = (
    seq: number,
    secondsAgo: number,
    source: TimelineEntry['source'],
    text: string,
  ): TimelineEntry => ({
    seq,
    atMs: nowMs - secondsAgo * 1000,
    source,
    tone: 'plain',
    group: null,
    zone: null,
    service: null,
    text,
  })
  return [
    entry(1, 75, 'run', 'run opened'),
    entry(2, 74, 'run', 'preflight: 19 checks hold'),
    entry(5, 70, 'phase', 'warm-up'),
    entry(6, 58, 'phase', 'baseline'),
    entry(7, 21, 'phase', 'attack'),
    {
      ...entry(8, 20, 'fault', 'latency on recommender-686f59f5dc-fp676 begun'),
      group: 'experiment',
      zone: 'b',
      service: 'recommender',
    },
    { ...entry(9, 18.8, 'fault', 'effect proven: 17 packets held for 100 ms ± 20 ms'), tone: 'good' },
    {
      ...entry(10, 9, 'cluster', 'pod database-1 not ready'),
      group: 'experiment',
      zone: 'c',
      service: 'database',
      tone: 'bad',
    },
  ]
}

export function exampleLive(nowMs: number): LiveState {
  const { attacks: _, timeline: __, reasons: ___, ...run } = exampleRun(nowMs)
  return {
    atMs: nowMs,
    services: GROUPS.flatMap(group => [
      ...ZONED.flatMap(service => ZONES.map(zone => cell(group, service, zone))),
      ...OUTSIDE.map(service => cell(group, service, null)),
    ]),
    nodes: GROUPS.flatMap(group =>
      ZONES.map(zone => ({ name: `${group}-${zone}`, group, zone, ready: true, cordoned: false })),
    ),
    attacks: [exampleAttack(nowMs)],
    run,
    halt: null,
    problems: [],
  }
}

function cell(group: ServiceCell['group'], service: string, zone: ServiceCell['zone']): ServiceCell {
  const isAttacked = group === 'experiment' && service === 'recommender' && zone === 'b'
  const isDown = group === 'experiment' && service === 'database' && zone === 'c'
  const isRecovering = group === 'experiment' && service === 'gateway' && zone === 'c'
  const ready = !isDown && !isRecovering
  return {
    group,
    service,
    zone,
    state: isAttacked ? 'attacked' : isDown ? 'down' : isRecovering ? 'recovering' : 'healthy',
    podsReady: ready ? 1 : 0,
    pods: [
      {
        name: `${service}-${zone ?? '0'}`,
        node: zone === null ? 'system' : `${group}-${zone}`,
        phase: 'Running',
        ready,
        restarts: 0,
        primary: service === 'database' && zone === 'a',
      },
    ],
  }
}

export function exampleGroup(nowMs: number): EventGroup {
  return {
    fingerprint: FINGERPRINT,
    title: 'OperationalError: server closed the connection unexpectedly',
    culprit: 'pipeline/recommender/database.py in fetch_similar',
    level: 'error',
    service: 'recommender',
    groups: ['experiment'],
    firstMs: nowMs - 3_600_000,
    lastMs: nowMs - 14_000,
    count: 37,
    kept: 37,
  }
}

export function exampleEvent(nowMs: number): ErrorEvent {
  const frame = {
    module: 'pipeline.recommender.database',
    file: 'pipeline/recommender/database.py',
    column: null,
    inApp: true,
    before: ['    with self._pool.connection() as connection:', '        try:'],
    after: ['        except OperationalError:', '            self._errors.labels(reason="connection").inc()'],
  }
  return {
    eventId: 'fc6d8c0c43fc4630ad850ee518f1b9d0',
    fingerprint: FINGERPRINT,
    atMs: nowMs - 14_000,
    receivedMs: nowMs - 13_800,
    level: 'error',
    platform: 'python',
    release: '0.1.0',
    environment: 'experiment',
    service: 'recommender',
    group: 'experiment',
    zone: 'b',
    transaction: '/songs/{hash}/similar',
    message: null,
    exceptions: [
      {
        type: 'OperationalError',
        value: 'server closed the connection unexpectedly',
        handled: true,
        frames: [
          {
            ...frame,
            function: 'wsgi_app',
            file: 'flask/app.py',
            line: 1511,
            inApp: false,
            before: [],
            source: null,
            after: [],
          },
          {
            ...frame,
            function: 'similar',
            file: 'pipeline/recommender/routes.py',
            line: 61,
            source: '    rows = database.fetch_similar(song_hash, limit)',
          },
          {
            ...frame,
            function: 'fetch_similar',
            line: 88,
            source: '            return connection.execute(SIMILAR, parameters).fetchall()',
          },
        ],
      },
    ],
    breadcrumbs: [
      {
        atMs: nowMs - 14_210,
        category: 'http',
        type: 'http',
        level: 'info',
        message: 'GET /songs/0cc1…/similar',
        data: { hash: '0cc1' },
      },
      {
        atMs: nowMs - 14_160,
        category: 'query',
        type: 'query',
        level: 'info',
        message: 'SELECT song_hash, score FROM similar',
        data: { 'db.system': 'postgresql' },
      },
      {
        atMs: nowMs - 14_010,
        category: 'pool',
        type: 'default',
        level: 'warning',
        message: 'connection 10.244.22.13:5432 is broken',
        data: {},
      },
    ],
    tags: { group: 'experiment', service: 'recommender', zone: 'b' },
    contexts: {
      runtime: { name: 'CPython', version: '3.11.2' },
      trace: { trace_id: TRACE_ID, span_id: '00f067aa0ba902b7' },
    },
    request: { method: 'GET', url: 'http://recommender:8000/songs/0cc1/similar' },
    user: null,
    extra: {},
    traceId: TRACE_ID,
    spanId: '00f067aa0ba902b7',
  }
}

export function exampleAlerts(nowMs: number): readonly AlertEvent[] {
  const alert: AlertEvent = {
    instance: 'a'.repeat(32),
    name: 'GatewayLatencyBudgetBurn',
    labels: {
      alertname: 'GatewayLatencyBudgetBurn',
      group: 'experiment',
      service: 'gateway',
      severity: 'page',
      slo_profile: 'run',
    },
    annotations: {
      summary: 'At this rate the latency budget of the gateway is gone in 3 h.',
      runbook_url: 'https://example.org/divergence/docs/runbooks/GatewayLatencyBudgetBurn.md',
    },
    group: 'experiment',
    service: 'gateway',
    severity: 'page',
    state: 'firing',
    firedMs: nowMs - 12_000,
    endedMs: null,
    firingMs: 12_000,
    flapCount: 0,
    clockSuspect: false,
    receivedMs: nowMs - 11_900,
    notifiedMs: null,
    generatorUrl: null,
    actions: [],
  }
  return [
    alert,
    {
      ...alert,
      name: 'Watchdog',
      labels: { alertname: 'Watchdog' },
      annotations: { summary: 'Alerting works as long as this fires.' },
      group: null,
      service: null,
      severity: 'none',
      firedMs: nowMs - 7_200_000,
    },
    {
      ...alert,
      name: 'DatabaseWithoutPrimary',
      labels: { alertname: 'DatabaseWithoutPrimary', group: 'experiment', service: 'database' },
      annotations: { summary: 'Nobody takes writes.' },
      service: 'database',
      state: 'resolved',
      firedMs: nowMs - 900_000,
      endedMs: nowMs - 872_000,
      firingMs: 28_000,
      flapCount: 2,
      notifiedMs: nowMs - 890_000,
      actions: [
        { atMs: nowMs - 885_000, actor: 'console Xk2v9QaB', action: 'acknowledged', note: null },
        {
          atMs: nowMs - 860_000,
          actor: 'console Xk2v9QaB',
          action: 'noted',
          note: 'Patroni promoted the standby of zone c.\nThe old primary rejoined by itself.',
        },
      ],
    },
  ]
}
