import * as aws from '@pulumi/aws'
import { GROUPS, type GroupJob } from '../topology.ts'
import type { Cluster } from './cluster.ts'
import { podRole } from './roles.ts'
import type { Settings } from './settings.ts'
import { tags } from './tags.ts'

/** Account of Spark's driver and executors, in the namespace of each group. */
const ACCOUNT: GroupJob = 'ingest'

/** Lets both groups' ingest read one bucket, and write to none: `divergence ingest s3a://BUCKET/FOLDER`. */
export function makeCorpusAccess(settings: Settings, cluster: Cluster): void {
  const { corpusBucket } = settings
  if (corpusBucket === undefined) return
  const bucket = `arn:aws:s3:::${corpusBucket}`
  const { role } = podRole(
    settings,
    ACCOUNT,
    { namespaces: GROUPS, account: ACCOUNT },
    {
      statements: [
        { Effect: 'Allow', Action: ['s3:GetBucketLocation', 's3:ListBucket'], Resource: bucket },
        { Effect: 'Allow', Action: ['s3:GetObject'], Resource: `${bucket}/*` },
      ],
    },
  )
  for (const namespace of GROUPS) {
    new aws.eks.PodIdentityAssociation(`${ACCOUNT}-${namespace}`, {
      clusterName: cluster.name,
      namespace,
      serviceAccount: ACCOUNT,
      roleArn: role.arn,
      tags: tags(settings, `${ACCOUNT}-${namespace}`),
    })
  }
}
