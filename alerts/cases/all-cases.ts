import { MONTH_CASES, RUN_CASES } from './burn.ts'
import type { AlertCase } from './case.ts'
import { CONTAINER_CASES } from './containers.ts'
import { NODE_CASES } from './nodes.ts'
import { DATABASE_CASES, INGEST_CASES, REQUEST_CASES } from './services.ts'
import { CLOCK_CASES, NETWORK_CASES, OBSERVATION_CASES } from './surroundings.ts'

/** What every alert must do and leave undone. */
export const ALERT_CASES: readonly AlertCase[] = [
  ...RUN_CASES,
  ...MONTH_CASES,
  ...CLOCK_CASES,
  ...CONTAINER_CASES,
  ...DATABASE_CASES,
  ...INGEST_CASES,
  ...NETWORK_CASES,
  ...NODE_CASES,
  ...OBSERVATION_CASES,
  ...REQUEST_CASES,
]
