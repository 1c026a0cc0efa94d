import { z } from 'zod'
import { GROUPS, ZONES } from '../../platform/topology.ts'

/*
 * The entries of a run's journal, as far as they are read here. The runner writes them and this file only reads, so an
 * entry of a kind that is not known here is kept and not understood; one that is known and says something else is refused.
 */

const longText = z.string().max(20_000)
const texts = z.array(longText).max(10_000)
const fault = z.number().int().min(0).max(1_000)

const knownEntries = [
  z.object({
    entry: z.literal('opened'),
    experiment: z.object({
      name: longText.optional(),
      hypothesis: longText.default(''),
      level: longText.default(''),
    }),
  }),
  z.object({ entry: z.literal('healed'), leftovers: texts }),
  z.object({
    entry: z.literal('preflight'),
    checks: z.array(z.object({ check: longText, ok: z.boolean(), detail: longText })),
  }),
  z.object({
    entry: z.literal('planned'),
    faults: z.array(z.object({ kind: longText, targets: texts, actions: texts })),
  }),
  z.object({ entry: z.literal('phase'), phase: longText }),
  z.object({
    entry: z.literal('fault-begun'),
    fault,
    plan: z.object({
      kind: longText,
      targets: texts,
      zone: z.enum(ZONES).nullable().default(null),
      end: z.array(z.unknown()).default([]),
    }),
  }),
  z.object({ entry: z.literal('fault-effect'), fault, proven: z.boolean(), detail: longText }),
  z.object({ entry: z.literal('fault-ended'), fault }),
  z.object({ entry: z.literal('aborted'), reason: longText }),
  z.object({ entry: z.literal('undo-failed'), fault, reason: longText }),
  z.object({
    entry: z.literal('event'),
    event: z.object({
      atMs: z.number(),
      source: z.enum(['fault', 'cluster', 'load', 'audit']),
      group: z.enum(GROUPS).optional(),
      zone: z.enum(ZONES).optional(),
      service: longText.optional(),
      text: longText,
    }),
  }),
  z.object({
    entry: z.literal('collected'),
    samples: z.number(),
    load: z.object({ droppedIterations: z.number() }),
  }),
  z.object({ entry: z.literal('audit'), residue: texts }),
  z.object({
    entry: z.literal('verdict'),
    verdict: z.object({
      verdict: z.enum(['resilient', 'diverged', 'inconclusive', 'invalid']),
      aborted: z.boolean(),
      reasons: texts,
    }),
  }),
  z.object({ entry: z.literal('interrupted'), reason: longText }),
  z.object({ entry: z.literal('failed'), reason: longText }),
] as const

const understood = z.discriminatedUnion('entry', knownEntries)
const KNOWN: ReadonlySet<string> = new Set(knownEntries.map(({ shape }) => shape.entry.value))

/** What an entry says to those who know its kind. */
export type Understood = z.output<typeof understood>

const stamped = z.looseObject({ entry: z.string().min(1).max(100), atMs: z.number().min(0) })

/** One entry with its number in the journal, from 0. */
export const numberedEntry = z.object({
  seq: z.number().int().min(0).max(1_000_000),
  entry: stamped.superRefine((entry, context) => {
    if (!KNOWN.has(entry.entry)) return
    const result = understood.safeParse(entry)
    if (!result.success)
      context.addIssue({ code: 'custom', message: z.prettifyError(result.error).slice(0, 500) })
  }),
})

/** Body of `POST /api/runs/:runId/entries`; without entries it says that the runner lives. */
export const entriesMessage = z.object({
  entries: z.array(numberedEntry).max(500),
  /** Whether the journal is complete with these. */
  closed: z.boolean().default(false),
  /** The abort rule's evidence now, if it has any. */
  abort: z
    .object({
      atMs: z.number().min(0),
      eValue: z.number().min(0),
      limit: z.number().positive(),
      detail: z.string().max(1_000),
    })
    .optional(),
})
export type EntriesMessage = z.output<typeof entriesMessage>

/** An entry as it was kept. */
export type KeptEntry = { readonly seq: number; readonly atMs: number; readonly says: Understood | null }

/** @param entry of the database, so it was read once before */
export function keptEntry(seq: number, entry: unknown): KeptEntry {
  const { atMs, entry: kind } = stamped.parse(entry)
  return { seq, atMs, says: KNOWN.has(kind) ? understood.parse(entry) : null }
}

/** Valid in a file name, in a label and in an address. */
export const runIdText = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
