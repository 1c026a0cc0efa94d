import { createHash } from 'node:crypto'
import type { V1PodSpec } from '@kubernetes/client-node'
import { type Group, LABELS, type SHARED_GROUP } from '../topology.ts'

export type Metadata = {
  readonly name: string
  readonly namespace?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A Kubernetes object as it goes over the wire: plain JSON, nothing renamed. */
export type KubernetesObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
  readonly [field: string]: unknown
}

export type PodTemplate = {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: V1PodSpec
}

/** Whose an object is: a group's, or shared by both. */
export type Owner = Group | typeof SHARED_GROUP

/** Labels that select the pods of one service; part of immutable fields, so they never grow. */
export function selectorLabels(owner: Owner, service: string): Record<string, string> {
  return { [LABELS.group]: owner, [LABELS.service]: service }
}

/** Labels of everything we make, whoever starts it. */
export function ownLabels(owner: Owner, service: string): Record<string, string> {
  return { [LABELS.partOf]: LABELS.product, ...selectorLabels(owner, service) }
}

/** Labels of what `up` renders: what carries them and is no longer rendered is pruned. */
export function managedLabels(owner: Owner, service: string): Record<string, string> {
  return { ...ownLabels(owner, service), [LABELS.managedBy]: LABELS.product }
}

/** Head of a namespaced object of `service`. */
export function metadata(
  owner: Owner,
  namespace: string,
  service: string,
  name: string = service,
  annotations?: Readonly<Record<string, string>>,
): Metadata {
  return { name, namespace, labels: managedLabels(owner, service), ...(annotations ? { annotations } : {}) }
}

/** First `length` hex digits of the SHA-256 of `value` as JSON: the same content gives the same name. */
export function contentHash(value: unknown, length = 10): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, length)
}

/** Annotation that rolls pods when the files they mount change. */
export function configAnnotation(files: Readonly<Record<string, string>>): Record<string, string> {
  return { 'divergence/config-hash': contentHash(files) }
}

export function configMap(head: Metadata, data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: head, data }
}
