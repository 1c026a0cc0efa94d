import { z } from 'zod'
import { UserError } from '../errors.ts'
import { ZONES } from '../topology.ts'
import { overlap, parseCidr } from './cidr.ts'

/** What a person decides; every value comes as text, as `pulumi config set KEY VALUE` writes it. */
export type Settings = z.infer<typeof schema>

/** Days for which CloudWatch keeps logs, as its API allows them up to a year. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]

/** Ranges that EKS takes service addresses from, when the network does not overlap with the first one. */
const SERVICE_RANGES = ['10.100.0.0/16', '172.20.0.0/16']

/** Widest range that may reach the API server: a /8 is a company, less is half the world. */
const WIDEST_PREFIX = 8

const text = (pattern: RegExp, what: string) => z.string().regex(pattern, `must be ${what}`)

const whole = (least: number, most: number) =>
  text(/^\d{1,6}$/, `a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine(number => number >= least && number <= most, `must be from ${least} to ${most}`)

const yesNo = z.enum(['true', 'false']).transform(value => value === 'true')

/** A list is JSON: that is how `pulumi config set --path 'KEY[0]' VALUE` keeps it. */
function list<T extends z.ZodType>(item: T) {
  return z
    .string()
    .transform((value, context) => {
      try {
        return JSON.parse(value)
      } catch {
        context.addIssue({
          code: 'custom',
          message: "must be a list: pulumi config set --path 'KEY[0]' VALUE",
        })
        return z.NEVER
      }
    })
    .pipe(z.array(item).readonly())
}

const accessRange = z.string().check(context => {
  const problem = rangeProblem(context.value)
  if (problem !== undefined) {
    context.issues.push({ code: 'custom', message: problem, input: context.value })
  }
})

function rangeProblem(value: string): string | undefined {
  try {
    const { prefix } = parseCidr(value)
    return prefix < WIDEST_PREFIX ? `must not be wider than a /${WIDEST_PREFIX}` : undefined
  } catch (error) {
    return (error as RangeError).message
  }
}

const network = text(/^\d+\.\d+\.0\.0\/16$/, 'a /16 such as 10.77.0.0/16').check(context => {
  const problem = rangeProblem(context.value)
  const wrong = (message: string) => context.issues.push({ code: 'custom', message, input: context.value })
  if (problem !== undefined) wrong(problem)
  else if (!isPrivate(context.value)) wrong('must be private: in 10.0.0.0/8 or 172.16.0.0/12')
})

/** Private, and apart from one of the ranges that EKS chooses from for services. */
function isPrivate(value: string): boolean {
  const range = parseCidr(value)
  const within = ['10.0.0.0/8', '172.16.0.0/12'].some(each => overlap(range, parseCidr(each)))
  return within && SERVICE_RANGES.some(each => !overlap(range, parseCidr(each)))
}

/**
 * The lab's images are for x86-64, and burstable instances have credits: two groups that have used up a different share
 * of theirs are no longer alike.
 */
const instanceType = text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an instance type such as m7i.large')
  .refine(type => !/^t\d/.test(type), 'must not be burstable: groups with different credits are not alike')
  .refine(type => !/^(a1|[a-z]+\d+g)/.test(type), 'must be x86-64: the images of the lab are')

const schema = z
  .strictObject({
    /** From where the API server may be reached over the internet; nodes reach it inside the network. */
    apiAccessCidrs: list(accessRange).refine(ranges => ranges.length > 0, 'must have at least one range'),
    /** Of the cluster, and the beginning of all names. */
    name: text(/^[a-z][a-z0-9-]{0,19}$/, 'lower case letters, digits and dashes, at most 20').default(
      'divergence',
    ),
    /** Minor version; under standard support on EKS until 27 March 2027 (https://endoflife.date/amazon-eks). */
    kubernetesVersion: text(/^1\.\d{2}$/, 'a minor version such as 1.35').default('1.35'),
    /** Addresses of the network. */
    vpcCidr: network.default('10.77.0.0/16'),
    /** Names of the zones for a, b and c; default: the region's first three by name. */
    availabilityZones: list(text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'a zone such as eu-central-1a'))
      .refine(names => new Set(names).size === ZONES.length, `must name ${ZONES.length} different zones`)
      .optional(),
    /** `zone`: each zone has its own way out. `shared`: the first zone's is everybody's. */
    natGateways: z.enum(['zone', 'shared']).default('zone'),
    /** Of both groups' nodes. */
    instanceType: instanceType.default('m7i.large'),
    /** Of the nodes for shared services, edges and load. */
    systemInstanceType: instanceType.default('m7i.xlarge'),
    systemNodes: whole(1, 5).default(2),
    nodeVolumeGiB: whole(30, 1000).default(60),
    logRetentionDays: text(/^\d{1,3}$/, `one of ${RETENTION_DAYS.join(', ')}`)
      .transform(Number)
      .refine(days => RETENTION_DAYS.includes(days), `must be one of ${RETENTION_DAYS.join(', ')}`)
      .default(14),
    /** Whether the nodes hold pods to the lab's network policies. The local lab does not. */
    enforceNetworkPolicies: yesNo.default(false),
    /** Whether `pulumi destroy` removes repositories that hold images. */
    forceDelete: yesNo.default(false),
    /** Bucket that `divergence ingest s3a://BUCKET/FOLDER` may read. */
    corpusBucket: text(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket').optional(),
    /** Principals that administer the cluster besides whoever makes it. */
    administratorArns: list(
      text(/^arn:aws:iam::\d{12}:(role|user)\/.+$/, 'the ARN of a role or user'),
    ).default([]),
    /** Boundary of every role that is made here, where a company asks for one. */
    permissionsBoundaryArn: text(/^arn:aws:iam::(\d{12}|aws):policy\/.+$/, 'the ARN of a policy').optional(),
    /** US dollars a month; who is told is `budgetEmail`. */
    monthlyBudgetUsd: whole(1, 100_000).optional(),
    budgetEmail: text(/^[^@\s]+@[^@\s]+$/, 'an address').optional(),
  })
  .refine(
    ({ monthlyBudgetUsd, budgetEmail }) => (monthlyBudgetUsd === undefined) === (budgetEmail === undefined),
    {
      path: ['budgetEmail'],
      message: 'goes with monthlyBudgetUsd: set both or neither',
    },
  )

/**
 * Reads all settings, and says all that is wrong at once.
 *
 * @param raw values as Pulumi keeps them, by name without the project's prefix
 * @throws UserError BAD_SETTINGS
 */
export function parseSettings(raw: Readonly<Record<string, string>>): Settings {
  const { success, data, error } = schema.safeParse(raw)
  if (success) return data
  const problems = error.issues.map(({ path, message }) => {
    const [key] = path
    const value = typeof key === 'string' ? raw[key] : undefined
    const name = path.join('.') || 'settings'
    return value === undefined ? `${name} ${missing(name, message)}` : `${name} ${message}, is '${value}'`
  })
  throw new UserError(
    'BAD_SETTINGS',
    `Cannot make the cluster: ${problems.join('; ')}`,
    `Set what is missing, such as your own address: pulumi config set --path 'apiAccessCidrs[0]' 203.0.113.7/32. docs/eks.md has all settings.`,
  )
}

function missing(name: string, message: string): string {
  return name === 'apiAccessCidrs' ? 'is not set: nobody could reach the API server' : message
}
