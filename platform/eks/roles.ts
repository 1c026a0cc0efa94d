import * as aws from '@pulumi/aws'
import * as pulumi from '@pulumi/pulumi'
import type { Settings } from './settings.ts'
import { tags } from './tags.ts'

/** What a role may do: policies of AWS by name, and statements of our own. */
export type Rights = {
  /** Path and name below `arn:aws:iam::aws:policy/`. */
  readonly managed?: readonly string[]
  readonly statements?: readonly Statement[]
}

type Statement = {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: pulumi.Input<string> | readonly pulumi.Input<string>[]
}

/** A role, and all that gives it its rights: what works with the role depends on both. */
export type GrantedRole = { readonly role: aws.iam.Role; readonly grants: readonly pulumi.Resource[] }

/** A role of one of AWS's own services. */
export function serviceRole(settings: Settings, what: string, service: string, rights: Rights): GrantedRole {
  return granted(settings, what, { Principal: { Service: service }, Action: ['sts:AssumeRole'] }, rights)
}

/** Pods of which accounts take a role. */
export type PodAccount = { readonly namespaces: readonly string[]; readonly account: string }

/**
 * A role that pods take by EKS Pod Identity. The tags that EKS puts on the session say which pods these are, so that an
 * association with another account gives nobody these rights.
 * Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
 */
export function podRole(settings: Settings, what: string, pods: PodAccount, rights: Rights): GrantedRole {
  const trust = {
    Principal: { Service: 'pods.eks.amazonaws.com' },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Condition: {
      StringEquals: {
        'aws:RequestTag/eks-cluster-name': settings.name,
        'aws:RequestTag/kubernetes-namespace': pods.namespaces,
        'aws:RequestTag/kubernetes-service-account': pods.account,
      },
    },
  }
  return granted(settings, what, trust, rights)
}

function granted(settings: Settings, what: string, trust: object, rights: Rights): GrantedRole {
  const { permissionsBoundaryArn } = settings
  const role = new aws.iam.Role(what, {
    name: `${settings.name}-${what}`,
    assumeRolePolicy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...trust }] }),
    tags: tags(settings, what),
    ...(permissionsBoundaryArn === undefined ? {} : { permissionsBoundary: permissionsBoundaryArn }),
  })
  const { managed = [], statements = [] } = rights
  const attached = managed.map(
    policy =>
      new aws.iam.RolePolicyAttachment(`${what}-${policy.split('/').at(-1)}`, {
        role: role.name,
        policyArn: `arn:aws:iam::aws:policy/${policy}`,
      }),
  )
  const own = statements.length === 0 ? [] : [ownPolicy(role, what, statements)]
  return { role, grants: [...attached, ...own] }
}

function ownPolicy(role: aws.iam.Role, what: string, statements: readonly Statement[]): aws.iam.RolePolicy {
  const policy = pulumi.jsonStringify({ Version: '2012-10-17', Statement: statements })
  return new aws.iam.RolePolicy(what, { role: role.name, policy })
}
