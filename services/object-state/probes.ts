import { GROUPS, PORTS } from '../../platform/topology.ts'

/** Scraped together, with the same labels. */
export type TargetGroup = {
  /** `address:port`. */
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** A pod that runs, and the labels of what is told about it. */
export type PlacedPod = {
  readonly address: string
  readonly labels: {
    readonly group: string
    readonly zone?: string
    readonly service: string
    readonly namespace: string
    readonly pod: string
    readonly node: string
  }
  /** Group of the node that it runs on. */
  readonly nodeGroup: string
  /** It was told to stop. */
  readonly ending: boolean
}

/** What each prober can be asked (platform/manifests/blackbox.ts). */
type Module = 'http' | 'icmp' | 'dns'

const PROBER = 'blackbox'

/** Value of `from` on what is asked from outside the zones. */
const OUTSIDE = 'outside'

/** Pods that answer HTTP, and where they say that they live, which depends on nobody else. */
const HTTP_SERVICES: Readonly<Record<string, string>> = {
  gateway: `:${PORTS.gateway}/healthz`,
  recommender: `:${PORTS.recommender}/healthz`,
}

const ECHOING_SERVICES = ['gateway', 'recommender', 'database']

/** Cluster-wide name of the name service, whatever answers under it. */
const NAME_SERVICE = 'kube-dns.kube-system.svc.cluster.local'

/** Kinds of probes that can be asked for. */
export const PROBE_NAMES: readonly string[] = ['probe-http', 'probe-icmp', 'probe-icmp-zones', 'probe-dns']

/**
 * What the probers are asked, as Prometheus scrapes it: the address is the prober's, the parameters say what it asks of
 * whom. `group`, `zone`, `service`, `pod` and `node` are the target's, `from` is the zone of the prober.
 *
 *   probe-http        outside -> every gateway and recommender
 *   probe-icmp        outside -> every pod of a group that serves
 *   probe-icmp-zones  every zone of a group -> each other zone of it
 *   probe-dns         every zone -> the name service; about the zone that asks
 */
export function probeTargets(name: string, pods: readonly PlacedPod[]): readonly TargetGroup[] {
  // That one which leaves does not answer is no loss.
  const places = pods.filter(pod => !pod.ending)
  const probers = places.filter(place => place.labels.service === PROBER)
  const outside = probers.filter(prober => prober.labels.zone === undefined)
  const inZones = probers.filter(prober => prober.labels.zone !== undefined && isGroup(prober.nodeGroup))
  switch (name) {
    case 'probe-http':
      return outside.flatMap(prober =>
        places.flatMap(target => {
          const path = HTTP_SERVICES[target.labels.service]
          return path === undefined
            ? []
            : probe(prober, 'http', `http://${target.address}${path}`, target.labels)
        }),
      )
    case 'probe-icmp':
      return outside.flatMap(prober =>
        places
          .filter(target => ECHOING_SERVICES.includes(target.labels.service))
          .flatMap(target => probe(prober, 'icmp', target.address, target.labels)),
      )
    case 'probe-icmp-zones':
      return inZones.flatMap(prober =>
        inZones
          .filter(target => target !== prober && target.nodeGroup === prober.nodeGroup)
          .flatMap(target => probe(prober, 'icmp', target.address, aboutZone(target))),
      )
    case 'probe-dns':
      return inZones.flatMap(prober => probe(prober, 'dns', NAME_SERVICE, aboutZone(prober)))
    default:
      return []
  }
}

function probe(
  prober: PlacedPod,
  module: Module,
  target: string,
  labels: Readonly<Record<string, string>>,
): readonly TargetGroup[] {
  return [
    {
      targets: [`${prober.address}:${PORTS.blackbox}`],
      labels: {
        ...labels,
        __param_module: module,
        __param_target: target,
        // One for each way: the same target is asked from several places.
        instance: `${prober.address}->${target}`,
        from: prober.labels.zone ?? OUTSIDE,
      },
    },
  ]
}

/** A prober belongs to no group; what it is asked about is its node's. */
function aboutZone({ labels, nodeGroup }: PlacedPod): Readonly<Record<string, string>> {
  return { ...labels, group: nodeGroup, service: 'network' }
}

function isGroup(name: string): boolean {
  return (GROUPS as readonly string[]).includes(name)
}
