import { IMAGES, TOPOLOGY } from '../topology.ts'
import type { RenderInput } from './input.ts'

/** A whole input for tests: the lab's own topology on a local cluster with made-up image hashes. */
export const EXAMPLE_INPUT: RenderInput = {
  topology: TOPOLOGY,
  facts: {
    kind: 'local',
    storageClassName: 'divergence-zonal',
    nodes: ['system', 'control-a', 'experiment-a'],
    podNetworks: ['10.244.0.0/16'],
  },
  images: Object.fromEntries(IMAGES.map(name => [name, `registry.divergence:5000/${name}:0123456789abcdef`])),
  observability: {
    rules: { 'example.yaml': 'groups: []\n' },
    alertmanager: 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n',
    dashboards: { example: '{"uid":"example","title":"Example","panels":[]}' },
    policy: '{"slos":[],"rules":[],"panels":{}}',
  },
  corpus: { name: 'openmsx-small', contentHash: 'feedfacecafebeef' },
}
