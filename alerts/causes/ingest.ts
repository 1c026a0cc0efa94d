import { SIGNALS } from '../../instrumentation/signals.ts'
import type { AlertRule, RuleGroup } from '../rule.ts'
import { BATCH_LATE, FRESH } from '../slo.ts'

const { metrics: OURS } = SIGNALS
const RUNNING = OURS.ingestBatchRunning.name
const FAILED = OURS.ingestLastBatchFailed.name
const JOBS = 'job_name=~"ingest-.+"'

/** The Spark batch. It has no process left to ask when it has ended: the recommenders tell what the database remembers. */
export function ingestRules(): RuleGroup {
  return {
    name: 'ingest',
    recordings: [
      {
        record: FRESH,
        expr: `1 - clamp_max(max by (group) (${FAILED}) + (max by (group) (${RUNNING}) > bool ${BATCH_LATE.value}), 1)`,
        labels: { service: 'ingest' },
      },
    ],
    alerts: [batchLate(), batchFailed()],
  }
}

function batchLate(): AlertRule {
  return {
    name: 'BatchLate',
    expr: `max by (group) (${RUNNING}) > ${BATCH_LATE.value}`,
    guard: { forSeconds: 10 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'ingest' },
    carries: ['group'],
    summary: 'The batch of {{ $labels.group }} takes too long: new songs cannot be played yet',
    description:
      'It has been running for {{ $value | humanizeDuration }}, or was killed and nobody began another.',
  }
}

function batchFailed(): AlertRule {
  return {
    name: 'BatchFailed',
    expr: [
      `max by (group) (${FAILED}) == 1`,
      `or max by (group) (kube_job_status_failed{${JOBS}} > 0 unless on (group, job_name) kube_job_status_succeeded{${JOBS}} > 0)`,
    ].join(' '),
    guard: { forSeconds: 5 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'ingest' },
    carries: ['group'],
    summary: 'The last batch of {{ $labels.group }} failed: its songs are not in the database',
    description: 'What was loaded before stays and is played.',
  }
}
