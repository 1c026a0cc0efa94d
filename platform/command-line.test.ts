import { describe, expect, test } from '@jest/globals'
import { Command } from 'commander'
import { addCommand, type CommandWords } from './command-line.ts'

const WORDS: CommandWords = {
  name: 'mend <what>',
  description: 'mends it',
  examples: ['mend roof', 'mend --json'],
  flags: [
    ['--set <key=value>', 'as often as needed', []],
    ['--size <size>', 'how much', 'small', ['small', 'full']],
    ['--for <time>', 'how long'],
  ],
  note: 'It does not mend hearts.',
}

function parsed(...words: string[]): unknown[] {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  let given: unknown[] = []
  addCommand(program, WORDS)
    .exitOverride()
    .action((...args: unknown[]) => {
      given = args.slice(0, 2)
    })
  program.parse(words, { from: 'user' })
  return given
}

describe('addCommand()', () => {
  test('fills in what nobody says, and leaves out what has no default', () => {
    expect(parsed('mend', 'roof')).toEqual(['roof', { set: [], size: 'small' }])
  })

  test('takes an option with a list by default as often as it is given, in order', () => {
    const [, options] = parsed('mend', 'roof', '--set', 'a=1', '--json', '--set', 'b=2', '--context', 'x')
    expect(options).toEqual({ set: ['a=1', 'b=2'], size: 'small', json: true, context: 'x' })
    expect(parsed('mend', 'roof')[1]).toMatchObject({ set: [] })
  })

  test('refuses what is not among the choices', () => {
    expect(() => parsed('mend', 'roof', '--size', 'huge')).toThrow('Allowed choices are small, full')
  })

  test('ends the help with the examples and the note', () => {
    const help: string[] = []
    const program = new Command()
    const command = addCommand(program, WORDS).configureOutput({ writeOut: text => help.push(text) })
    command.outputHelp()
    expect(help.join('').trimEnd().split('\n').slice(-5)).toEqual([
      'Examples:',
      '  $ ./divergence mend roof',
      '  $ ./divergence mend --json',
      '',
      'It does not mend hearts.',
    ])
  })
})
