import { z } from 'zod'
import { type ActionDefinition, ActionError, type ContainerTarget, type ProcessIdentity } from './action.ts'
import { containerOf } from './control-groups.ts'

/** Processes of the target are killed. */
export type SignalSpec = {
  readonly action: 'signal'
  readonly signal: 'KILL'
  /** `main`: process 1 of the container; else the name of the program, `[A-Za-z0-9._-]{1,64}`. */
  readonly process: string
}

export const signal: ActionDefinition<SignalSpec> = {
  action: 'signal',
  schema: z.strictObject({
    action: z.literal('signal'),
    signal: z.literal('KILL'),
    process: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be the name of a program'),
  }),
  on: ['container'],
  needs: () => [],
  begin: subject =>
    victims(subject.spec, containerOf(subject)).map(process => ({
      do: 'signal',
      process,
      signal: subject.spec.signal,
    })),
  // Who was killed stays dead; the kubelet, or a parent in the container, starts the next one.
  end: () => [],
  async read({ spec, target }, probe) {
    const processes = victims(spec, containerOf({ target }))
    const alive = await Promise.all(processes.map(process => probe.isAlive(process)))
    return { alive: alive.filter(Boolean).length, processes: processes.length }
  },
  finding: (_spec, before, now) => ({
    proven: (before.alive ?? 0) > 0 && now.alive === 0,
    detail: `${(before.alive ?? 0) - (now.alive ?? 0)} of ${before.alive} processes are gone`,
  }),
}

function victims(spec: SignalSpec, target: ContainerTarget): readonly ProcessIdentity[] {
  if (spec.process === 'main') return [target.main]
  const named = target.processes.filter(({ command }) => names(command).includes(spec.process))
  if (named.length > 0) return named.map(({ pid, startTicks }) => ({ pid, startTicks }))
  const present = [...new Set(target.processes.map(({ command }) => names(command)[0]))].join(', ')
  throw new ActionError(
    `Cannot kill '${spec.process}' in '${target.pod}/${target.container}': no process has this name, there are: ${present}`,
  )
}

/** The program, and what an interpreter runs: `/usr/bin/python3 /opt/bin/gunicorn -c ...` is both. */
function names(command: string): readonly string[] {
  return command
    .split(' ')
    .slice(0, 2)
    .filter(word => !word.startsWith('-'))
    .map(word => word.split('/').at(-1)?.replace(/:$/, '') ?? word)
}
