import type { CommandWords } from '../platform/command-line.ts'
import { RAMP_FLAGS, SOAK_FLAGS } from './load-options.ts'

/** The commands that attack the lab, drive it, and tell what came of it, as a person calls them. */
export const CHAOS_COMMANDS = {
  run: {
    name: 'run <file>',
    description: 'run an experiment and judge it',
    examples: [
      'run chaos/experiments/zone-outage.yaml',
      'run chaos/experiments/pod-kill.yaml --json',
      'run chaos/experiments/network-latency.yaml --dry-run',
    ],
    flags: [['--dry-run', 'say what would be done to whom and when, and what would keep it from starting']],
  },
  inject: {
    name: 'inject <what>',
    description: 'attack without load or verdict, and undo it; Ctrl-C undoes at once',
    examples: [
      'inject latency --set select.services=[gateway] --set select.zone=b --set delayMs=100 --duration 30s',
      'inject kill-pod --set select.services=[recommender] --set select.count=1',
      'inject faults.yaml',
    ],
    flags: [
      ['--set <key=value>', "parameter of the fault, as often as needed; see 'divergence faults KIND'", []],
      ['--duration <time>', "how long the fault stays on: '30s', '2m'"],
      ['--seed <number>', 'seed of random picks', '1'],
    ],
    note: 'A file holds `faults:`, a list as in an experiment, and, if wanted, `blastRadius:`.',
  },
  faults: {
    name: 'faults [kind]',
    description: 'every kind of fault, or one with its parameters, units and ranges',
    examples: ['faults', 'faults latency', 'faults --json'],
  },
  schema: {
    name: 'schema',
    description: 'the JSON Schema of an experiment file, by which editors complete and check',
    examples: ['schema > docs/experiment.schema.json'],
  },
  halt: {
    name: 'halt',
    description: 'end every fault at once, whoever began it, and let none begin',
    examples: ['halt', "halt --reason 'customer demo'", 'halt --release'],
    flags: [
      ['--release', 'let faults begin again'],
      ['--reason <text>', 'why, for whoever is refused meanwhile', 'divergence halt'],
    ],
  },
  audit: {
    name: 'audit',
    description: 'list what faults left behind: exit code 4 if there is anything',
    examples: ['audit', 'audit --json'],
    note: 'The lab is looked at wherever this is called. What runs wrote down to undo is looked for in ./runs alone: call it where a run was killed. Of one killed elsewhere, the agents and the power switch undo the faults by themselves within seconds.',
  },
  judge: {
    name: 'judge <run>',
    description: 'compute the verdict of a run again from its journal, offline',
    examples: ['judge runs/20261121T060102Z-zone-outage'],
  },
  calibrate: {
    name: 'calibrate <file>',
    description: 'how often the judge raises a false alarm: over the runs without a fault, offline',
    examples: ['calibrate chaos/experiments/zone-outage.yaml', 'calibrate runs/ID/experiment.yaml --json'],
    flags: [['--runs <folder>', 'where the runs are', 'runs']],
    note: 'Runs without a fault under the load of FILE are cut into trials as long as its phases and judged by its signals and margins. The result is kept in the folder of the runs and printed in every report of such a run. Exit code 0: at most 1 in 20 is shown; 3: too few trials to show it; 4: it is more.',
  },
  report: {
    name: 'report',
    description: 'alerts, incidents and experiments of a week, as Markdown',
    examples: [
      'report',
      'report --week last',
      'report --week 2026-W47 --output week.md',
      'report --week last --json',
    ],
    flags: [
      ['--week <week>', "an ISO week such as 2026-W47, 'current' or 'last'", 'current'],
      ['--output <file>', 'write it to this file instead of stdout'],
    ],
    note: 'A week begins on Monday 00:00 UTC. The console shows the same at /weeks, with pictures.',
  },
  ramp: {
    name: 'ramp',
    description: 'raise the load step by step until each group breaks',
    examples: ['load ramp', 'load ramp --groups experiment --rates 100,200,400 --step 30'],
    flags: RAMP_FLAGS,
  },
  soak: {
    name: 'soak',
    description: 'steady load for long, and whether it wears the groups',
    examples: ['load soak --rate 50 --duration 3600'],
    flags: SOAK_FLAGS,
  },
} as const satisfies Readonly<Record<string, CommandWords>>
