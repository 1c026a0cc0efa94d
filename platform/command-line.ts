import { type Command, Option } from 'commander'

/**
 * An option of a command: as a command line declares it, what it does, what it is when nobody says, what it may be.
 * With a list by default it may be given as often as wanted.
 */
export type Flag = readonly [
  flag: string,
  description: string,
  byDefault?: string | readonly string[] | undefined,
  choices?: readonly string[],
]

export type CommandWords = {
  /** With its arguments: `run <file>`. */
  readonly name: string
  readonly description: string
  /** What a person would type, without the program's name; at least one. */
  readonly examples: readonly string[]
  readonly flags?: readonly Flag[]
  /** A last paragraph of the help. */
  readonly note?: string
}

/** What every command takes. */
const COMMON_FLAGS: readonly Flag[] = [
  ['--json', 'print JSON on stdout; progress stays on stderr'],
  ['--context <name>', 'use this context of a kubeconfig instead of the local cluster'],
  ['--kubeconfig <file>', 'kubeconfig that has the context (default: $KUBECONFIG, then ~/.kube/config)'],
]

/** Ends the help of a command with what a person would type, without the program's name. */
export function addExamples(command: Command, examples: readonly string[]): void {
  const lines = examples.map(example => `  $ ./divergence ${example}`)
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** Adds a command that takes what every command takes, and ends its help with examples. */
export function addCommand(
  parent: Command,
  { name, description, examples, flags = [], note }: CommandWords,
): Command {
  const command = parent.command(name).description(description)
  for (const [flag, text, byDefault, choices] of [...COMMON_FLAGS, ...flags]) {
    const option = new Option(flag, text)
    if (byDefault !== undefined) option.default(byDefault)
    if (Array.isArray(byDefault)) option.argParser((word, words: readonly string[]) => [...words, word])
    if (choices !== undefined) option.choices(choices)
    command.addOption(option)
  }
  addExamples(command, examples)
  return note === undefined ? command : command.addHelpText('after', `\n${note}`)
}
