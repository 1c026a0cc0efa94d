import type { ClusterFacts, ImageReferences } from '../cluster/cluster.ts'
import type { ImageName, ServiceSpec, Topology } from '../topology.ts'

/** How pods read from an object store. */
export type ObjectStore = {
  /** Base URL of a store that is not AWS's, as pods reach it. */
  readonly endpointUrl?: string
  readonly region?: string
  /** `caller`: with the keys of a Secret that is there meanwhile; `pods`: with an identity of their own. */
  readonly credentials: 'caller' | 'pods'
}

/** A folder of MIDI files that both groups load. */
export type Corpus = {
  /** DNS label, at most 30 characters: names the folder and the Job. */
  readonly name: string
  /** Hash over the files' names and contents, or what stands for them, hexadecimal: other files are another Job. */
  readonly contentHash: string
  /** Where pods read it, such as `s3a://bucket/folder`; without it, folder `name` of the store mounted in every node. */
  readonly uri?: string
  /** Of an `s3a` URI. */
  readonly store?: ObjectStore
}

/** Name of a corpus as a DNS label: lower case, digits and dashes, at most 30 characters. */
export function corpusName(text: string): string {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 30)
    .replaceAll(/-+$/g, '')
  return label || 'corpus'
}

/** What the stores of the lab are given to read. It is made from code further along the way of the data. */
export type Observability = {
  /** Rule files of Prometheus: file name -> YAML. */
  readonly rules: Readonly<Record<string, string>>
  /** Configuration of Alertmanager, YAML; empty for none. */
  readonly alertmanager: string
  /** Dashboards of Grafana: uid -> JSON. */
  readonly dashboards: Readonly<Record<string, string>>
  /** What oncall has to know of promises, rules and panels, JSON; without it nothing is known of what users felt. */
  readonly policy?: string
}

/** All that the manifests depend on; the same input gives the same objects, byte for byte. */
export type RenderInput = {
  readonly topology: Topology
  readonly facts: ClusterFacts
  readonly images: ImageReferences
  readonly observability: Observability
  /** Without one the groups are deployed empty. */
  readonly corpus?: Corpus
}

/** The images that the rendered objects run, each once. */
export function imagesInUse(topology: Topology): readonly ImageName[] {
  const own = topology.services.map(spec => spec.image)
  return [...new Set<ImageName>([...own, 'ingest', 'observability', 'zipkin', 'services', 'agent'])]
}

/** The entry of one service. @throws RangeError when the topology has none */
export function specOf(topology: Topology, service: ServiceSpec['service']): ServiceSpec {
  const spec = topology.services.find(candidate => candidate.service === service)
  if (spec) return spec
  throw new RangeError(`Cannot render ${service}: the topology has no such service`)
}
