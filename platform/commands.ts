import type { CommandWords, Flag } from './command-line.ts'
import { OBJECT_STORE_FLAGS } from './object-store.ts'

const REGISTRY_FLAG: Flag = [
  '--registry <prefix>',
  'registry that this machine may push to and the nodes of --context pull from',
]

const DEPLOY_FLAGS: readonly Flag[] = [
  ['--corpus <size>', 'songs to fill both groups with: small, full, or a number up to 1000000', 'small'],
  REGISTRY_FLAG,
  ['--grafana', "bring Grafana as well; the nodes of --context pull its image from Docker's registry"],
]

/** The commands that are about the lab itself, as a person calls them. */
export const LAB_COMMANDS = {
  start: {
    name: 'start',
    description: 'up, then the zone outage, then its verdict',
    examples: ['start'],
    flags: DEPLOY_FLAGS,
  },
  up: {
    name: 'up',
    description: 'bring up Kubernetes and both groups, filled with songs',
    examples: [
      'up',
      'up --corpus full',
      'up --corpus 50000',
      'up --context staging --registry registry.example.com/chaos',
    ],
    flags: DEPLOY_FLAGS,
  },
  status: {
    name: 'status',
    description: 'both groups, service by service, and where to open them',
    examples: ['status', 'status --json'],
  },
  ingest: {
    name: 'ingest <source>',
    description: 'load MIDI files, of a folder or an object store, into both groups',
    examples: [
      'ingest ~/music/midi',
      'ingest s3a://my-bucket/midi --context staging',
      'ingest s3a://my-bucket/midi --s3-endpoint https://storage.example.com',
    ],
    flags: OBJECT_STORE_FLAGS,
  },
  render: {
    name: 'render',
    description: 'print the Kubernetes objects that up applies',
    examples: ['render', 'render --json'],
  },
  doctor: {
    name: 'doctor',
    description: 'say what this machine or context lacks, and what to do about it',
    examples: ['doctor', 'doctor --context staging --registry registry.example.com/chaos'],
    flags: [REGISTRY_FLAG],
  },
  down: {
    name: 'down',
    description: 'remove all that up made',
    examples: ['down', 'down --all'],
    flags: [['--all', 'remove images and caches as well']],
  },
} as const satisfies Readonly<Record<string, CommandWords>>
