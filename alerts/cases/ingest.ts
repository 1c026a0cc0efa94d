import { type AlertCase, type Carried, hold, then } from './case.ts'

const OF_GROUP: Carried = { group: 'experiment' }

export const INGEST_CASES: readonly AlertCase[] = [
  {
    alert: 'BatchLate',
    fires: {
      told: {
        'ingest_batch_running_seconds{group="experiment",service="recommender",pod="recommender-1"}': then(
          hold(590, 30),
          hold(620, 60),
          hold(0, 60),
        ),
      },
      notYetSeconds: 30,
      atSeconds: 60,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'it has run for nine minutes',
        told: {
          'ingest_batch_running_seconds{group="experiment",service="recommender",pod="recommender-1"}': hold(
            540,
            90,
          ),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'BatchFailed',
    fires: {
      told: {
        'ingest_last_batch_failed{group="experiment",service="recommender",pod="recommender-1"}': then(
          hold(0, 30),
          hold(1, 60),
          hold(0, 60),
        ),
      },
      notYetSeconds: 30,
      atSeconds: 45,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [
      {
        why: 'its pod failed once and the next one did it',
        told: {
          'kube_job_status_failed{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}':
            hold(1, 90),
          'kube_job_status_succeeded{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}':
            hold(1, 90),
          'kube_job_status_failed{group="experiment",namespace="experiment",job_name="migrate-1"}': hold(
            1,
            90,
          ),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'BatchFailed',
    fires: {
      // It ended before it could leave a row in the database.
      told: {
        'kube_job_status_failed{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}': then(
          hold(0, 30),
          hold(1, 120),
        ),
        'kube_job_status_succeeded{group="experiment",namespace="experiment",job_name="ingest-corpus-1"}':
          then(hold(0, 90), hold(1, 60)),
      },
      atSeconds: 50,
      labels: OF_GROUP,
      resolvedSeconds: 110,
    },
    quiet: [],
  },
]
