import { z } from 'zod'
import { type AlertFact, type AlertRules, instanceOf, patienceMs } from './alert-fold.ts'

/** More than a rule file of ours could ever fire. */
const MOST_ALERTS = 2_000
const MOST_LABELS = 64
const LONGEST_NAME = 256
const LONGEST_LABEL = 1_024
const LONGEST_ANNOTATION = 8_192

/** Go writes the year 1 for an instant that was not given; nothing of ours is older than 1970. */
const NO_TIME_MS = 0

const texts = (longest: number) =>
  z
    .record(z.string().min(1).max(LONGEST_NAME), z.string().max(longest))
    .refine(record => Object.keys(record).length <= MOST_LABELS, `at most ${MOST_LABELS} entries`)

const instant = z.iso.datetime({ offset: true }).transform(text => Date.parse(text))

const alert = z.object({
  labels: texts(LONGEST_LABEL).refine(labels => Boolean(labels.alertname), "label 'alertname' is missing"),
  annotations: texts(LONGEST_ANNOTATION).default({}),
  startsAt: instant.optional(),
  endsAt: instant.optional(),
  generatorURL: z.string().max(4_096).optional(),
})

/** Body of `POST /api/v2/alerts`, as Prometheus sends it to every Alertmanager. */
export const alertsMessage = z.array(alert).max(MOST_ALERTS)

/** Body of Alertmanager's webhook, as far as it is read here. */
export const notificationMessage = z.object({
  status: z.enum(['firing', 'resolved']),
  receiver: z.string().max(LONGEST_NAME),
  alerts: z.array(alert.extend({ status: z.enum(['firing', 'resolved']) })).max(MOST_ALERTS),
})

/** One alert of a message, ready to be kept. */
export type ToldAlert = AlertFact & {
  readonly instance: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly generatorUrl: string | null
}

/**
 * What one alert of a message says.
 *
 * @param receivedMs oncall's clock
 * @param offsetMs Prometheus' clock minus oncall's, milliseconds; 0 when it is not known
 */
export function toldAlert(
  message: z.output<typeof alert>,
  rules: AlertRules,
  receivedMs: number,
  offsetMs: number,
): ToldAlert {
  const senderNowMs = receivedMs + offsetMs
  const startsMs = given(message.startsAt) ?? senderNowMs
  const endsMs = given(message.endsAt) ?? senderNowMs + patienceMs(rules)
  // Prometheus does not say which it is: what fires holds until later.
  const kind = endsMs > senderNowMs ? 'firing' : 'resolved'
  // While it fires, the end that Prometheus sends is the last evaluation plus its patience, which is longer for a group of
  // rules with a longer interval; it cannot have been evaluated later than now.
  const evaluatedMs = Math.min(senderNowMs, endsMs - patienceMs(rules))
  const sourceMs = kind === 'resolved' ? endsMs : Math.max(startsMs, evaluatedMs)
  const { labels, annotations, generatorURL } = message
  return {
    instance: instanceOf(labels),
    name: labels.alertname ?? '',
    labels,
    annotations,
    generatorUrl: generatorURL && /^https?:/.test(generatorURL) ? generatorURL : null,
    startsMs,
    endsMs,
    kind,
    receivedMs,
    sourceMs,
  }
}

const given = (ms: number | undefined): number | undefined =>
  ms === undefined || ms <= NO_TIME_MS ? undefined : ms
