import { type AlertCase, hold, then } from './case.ts'

const PLACE = 'group="experiment",zone="a"'
const GATEWAY = `${PLACE},node="experiment-a",service="gateway",pod="gateway-1"`
const OF_GATEWAY = {
  group: 'experiment',
  zone: 'a',
  node: 'experiment-a',
  service: 'gateway',
  pod: 'gateway-1',
}

/** promtool's time begins at 0: a right clock tells the seconds since then. */
const clock = (values: string, metric = 'process_clock_seconds') => ({
  [`${metric}{job="gateway",instance="1",${GATEWAY}}`]: values,
})
const scrape = (seconds: number, values = hold(seconds, 600), job = 'gateway') => ({
  [`scrape_duration_seconds{job="${job}",instance="1",${GATEWAY}}`]: values,
})
const patroni = (values: string) => ({
  [`patroni_dcs_last_seen{job="database",instance="2",${PLACE},node="experiment-a",service="database",pod="database-0"}`]:
    values,
})
const OF_DATABASE = { ...OF_GATEWAY, service: 'database', pod: 'database-0' }

export const CLOCK_CASES: readonly AlertCase[] = [
  {
    alert: 'ClockOffset',
    fires: {
      // Two probers ask the same name, under the same address: they are no scrapes of a clock.
      told: {
        ...clock(then('0+5x11', '61.5+5x11', '120+5x20')),
        ...scrape(0.1),
        'scrape_duration_seconds{job="probe-dns",instance="names",zone="a"}': hold(3, 600),
        'scrape_duration_seconds{job="probe-dns",instance="names",zone="b"}': hold(3, 600),
      },
      notYetSeconds: 60,
      atSeconds: 90,
      labels: OF_GATEWAY,
      resolvedSeconds: 140,
    },
    quiet: [
      {
        why: 'it was asked late: the scrape took four seconds',
        told: { ...clock('2+5x40'), ...scrape(4), ...scrape(3.9, hold(3.9, 200), 'probe-icmp') },
        atSeconds: 100,
      },
      {
        why: 'it is off by less than a second',
        told: { ...clock('0.9+5x40'), ...scrape(0.05) },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'ClockOffset',
    fires: {
      // Behind, and a node's.
      told: { ...clock(then('0+5x11', '58.5+5x11', '120+5x20'), 'node_time_seconds'), ...scrape(0.1) },
      atSeconds: 90,
      labels: OF_GATEWAY,
      resolvedSeconds: 140,
    },
    quiet: [],
  },
  {
    alert: 'ClockOffset',
    fires: {
      told: patroni(then('0+5x11', '61.5+5x11', '119+5x20')),
      notYetSeconds: 60,
      atSeconds: 90,
      labels: OF_DATABASE,
      resolvedSeconds: 140,
    },
    quiet: [
      {
        why: 'a member cannot reach the API server: its news are old, its clock is right',
        told: patroni(then('0+5x11', hold(55, 120))),
        atSeconds: 120,
      },
      { why: 'its last round was three seconds ago', told: patroni('-3+5x40'), atSeconds: 120 },
      { why: 'it is ahead by less than a second', told: patroni('0.9+5x40'), atSeconds: 120 },
    ],
  },
  {
    alert: 'ClockOffset',
    fires: {
      told: patroni(then('0+5x11', '55+5x11', '119+5x20')),
      notYetSeconds: 60,
      atSeconds: 100,
      labels: OF_DATABASE,
      resolvedSeconds: 150,
    },
    quiet: [],
  },
]
