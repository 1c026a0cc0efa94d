import type { V1EnvVar } from '@kubernetes/client-node'
import type { ObjectStore } from './input.ts'
import { env } from './pod.ts'

/** Secret with the caller's keys to an object store; it is there while a batch reads with them, and in no manifest. */
export const OBJECT_STORE_SECRET = 'object-store-keys'

/** Variables that hold the keys, which are their names in the Secret as well. */
export const OBJECT_STORE_VARIABLES = [
  { name: 'AWS_ACCESS_KEY_ID', optional: false },
  { name: 'AWS_SECRET_ACCESS_KEY', optional: false },
  { name: 'AWS_SESSION_TOKEN', optional: true },
] as const

/** Region asked of a store that is not AWS's and was given none: they take any, but a signature needs one. */
const ANY_REGION = 'us-east-1'

/** What driver and executors need in their environment to read from the store. */
export function objectStoreEnvironment({ credentials }: ObjectStore): readonly V1EnvVar[] {
  const keys = OBJECT_STORE_VARIABLES.map(({ name, optional }) => ({
    name,
    valueFrom: { secretKeyRef: { name: OBJECT_STORE_SECRET, key: name, optional } },
  }))
  return [env('SPARK_FILE_SYSTEM', 's3a'), ...(credentials === 'caller' ? keys : [])]
}

/** Spark's settings for the store. With an identity of its own a pod looks where AWS puts it: token, agent or node. */
export function objectStoreSettings({
  credentials,
  endpointUrl,
  region,
}: ObjectStore): Readonly<Record<string, string | boolean>> {
  const provider =
    credentials === 'caller' ? 'EnvironmentVariableCredentialsProvider' : 'DefaultCredentialsProvider'
  const where = region ?? (endpointUrl === undefined ? undefined : ANY_REGION)
  const settings = {
    'aws.credentials.provider': `software.amazon.awssdk.auth.credentials.${provider}`,
    // Each file is read once, from its first byte to its last.
    'experimental.input.fadvise': 'sequential',
    'input.stream.type': 'classic',
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl, 'path.style.access': true }),
    ...(where === undefined ? {} : { 'endpoint.region': where }),
  }
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`spark.hadoop.fs.s3a.${key}`, value]),
  )
}
