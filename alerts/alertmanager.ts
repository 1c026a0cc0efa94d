import { stringify } from 'yaml'
import { GROUPS, PORTS, sharedHost } from '../platform/topology.ts'
import { SEVERITIES, type Severity, type Tier } from './rule.ts'

/** Only a receiver that is certain to hear all: oncall keeps who was told of what, and when. */
const RECEIVER = 'oncall'

/** Where the token that opens oncall's door is mounted beside Alertmanager. */
export const TOKEN_FILE = '/etc/alertmanager/oncall/token'

const NOTIFICATIONS_PATH = '/api/v2/notifications'

/**
 * How long alerts that come together wait for each other, how soon more of the same are told, and how often one that
 * stays is told again. An experiment lasts minutes: a page that waits half a minute comes too late to learn from.
 */
const PACE: Readonly<
  Record<Severity, { readonly wait: string; readonly interval: string; readonly repeat: string }>
> = {
  page: { wait: '5s', interval: '15s', repeat: '30m' },
  ticket: { wait: '15s', interval: '1m', repeat: '4h' },
  info: { wait: '30s', interval: '5m', repeat: '12h' },
}

/** The Watchdog is told that often: who misses two of them knows that the chain is broken. */
const HEARTBEAT = { wait: '0s', interval: '1m', repeat: '5m' }

/**
 * What explains what: while an alert of the first tier fires, those of the others in the same place are not told. Alerts
 * of the tier `burn` are in no list: what users feel is always told.
 */
const EXPLAINS: readonly {
  readonly tier: Tier
  readonly silences: readonly Tier[]
  readonly same: readonly string[]
}[] = [
  { tier: 'zone', silences: ['node', 'cause'], same: ['group', 'zone'] },
  { tier: 'node', silences: ['cause'], same: ['group', 'node'] },
]

/** Configuration of Alertmanager 0.25: who is told of what, and when. */
export function alertmanagerConfig(): string {
  return stringify(
    {
      route: {
        receiver: RECEIVER,
        group_by: ['group', 'service', 'alertname'],
        ...pace(PACE.ticket),
        routes: [heartbeat(), ...GROUPS.flatMap(routesOf), ...SEVERITIES.map(severityRoute)],
      },
      inhibit_rules: EXPLAINS.map(({ tier, silences, same }) => ({
        source_matchers: [`tier="${tier}"`],
        target_matchers: [`tier=~"${silences.join('|')}"`],
        // The first always names its place: one that names none is silenced by nobody.
        equal: same,
      })),
      receivers: [
        {
          name: RECEIVER,
          webhook_configs: [
            {
              url: `http://${sharedHost('oncall')}:${PORTS.oncall}${NOTIFICATIONS_PATH}`,
              send_resolved: true,
              http_config: { authorization: { type: 'Bearer', credentials_file: TOKEN_FILE } },
            },
          ],
        },
      ],
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

function heartbeat() {
  return { receiver: RECEIVER, matchers: ['alertname="Watchdog"'], ...pace(HEARTBEAT) }
}

/** Alerts of the two groups are never in one notification: one of the control group during an attack is a finding. */
function routesOf(group: string) {
  return [
    {
      receiver: RECEIVER,
      matchers: [`group="${group}"`],
      ...pace(PACE.ticket),
      routes: SEVERITIES.map(severityRoute),
    },
  ]
}

function severityRoute(severity: Severity) {
  return { receiver: RECEIVER, matchers: [`severity="${severity}"`], ...pace(PACE[severity]) }
}

function pace({ wait, interval, repeat }: { wait: string; interval: string; repeat: string }) {
  return { group_wait: wait, group_interval: interval, repeat_interval: repeat }
}
