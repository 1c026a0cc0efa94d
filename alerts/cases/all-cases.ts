import { MONTH_CASES, RUN_CASES } from './burn.ts'
import type { AlertCase } from './case.ts'
import { CLOCK_CASES } from './clocks.ts'
import { CONTAINER_CASES } from './containers.ts'
import { DATABASE_CASES } from './database.ts'
import { EVIDENCE_CASES } from './evidence.ts'
import { INGEST_CASES } from './ingest.ts'
import { NETWORK_CASES } from './network.ts'
import { NODE_CASES } from './nodes.ts'
import { OBSERVATION_CASES } from './observation.ts'
import { REQUEST_CASES } from './requests.ts'

/** What every alert must do and leave undone. */
export const ALERT_CASES: readonly AlertCase[] = [
  ...RUN_CASES,
  ...MONTH_CASES,
  ...CLOCK_CASES,
  ...CONTAINER_CASES,
  ...DATABASE_CASES,
  ...EVIDENCE_CASES,
  ...INGEST_CASES,
  ...NETWORK_CASES,
  ...NODE_CASES,
  ...OBSERVATION_CASES,
  ...REQUEST_CASES,
]
