import type { Policy } from './policy.ts'
import type { AttackWindow, Coverage, RuleScore } from './report.ts'
import { spreadOf } from './spread.ts'

/** A rule fired in the blast radius of an attack. */
export type Finding = {
  readonly rule: string
  /** Place of the attack among those that are scored. */
  readonly attack: number
  /** Of the first such alert, Unix milliseconds; not before the attack's begin. */
  readonly firedMs: number
}

/** Alert events of one rule in the experimental group, in the week. */
export type RuleEvents = { readonly rule: string; readonly events: number; readonly induced: number }

/**
 * How well each rule told attacks from all the rest.
 *
 * @param attacks those that began in the week
 * @param findings at most one for each rule and attack
 * @returns every rule that fired, by name
 */
export function ruleScores(
  counts: readonly RuleEvents[],
  attacks: readonly AttackWindow[],
  findings: readonly Finding[],
): readonly RuleScore[] {
  const rules = new Set([...counts, ...findings].map(({ rule }) => rule))
  return [...rules].sort().map(rule => {
    const own = findings.filter(finding => finding.rule === rule)
    const kinds = new Set(own.map(({ attack }) => attacks[attack]?.kind))
    const counted = counts.find(count => count.rule === rule)
    return {
      rule,
      events: counted?.events ?? 0,
      induced: counted?.induced ?? 0,
      attacks: attacks.filter(({ kind }) => kinds.has(kind)).length,
      found: own.length,
      delay: spreadOf(own.map(({ attack, firedMs }) => firedMs - (attacks[attack]?.beginMs ?? firedMs))),
    }
  })
}

/**
 * Which rules fired at which kinds of fault, and what neither a rule nor a panel shows.
 *
 * @param attacks those that began in the week
 * @param findings at most one for each rule and attack
 * @returns kinds by name, the rules of each from the one that found most
 */
export function coverageOf(
  attacks: readonly AttackWindow[],
  findings: readonly Finding[],
  panels: Policy['panels'],
): Coverage {
  const kinds = [...Map.groupBy(attacks, ({ kind }) => kind)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, own]) => ({
      kind,
      attacks: own.length,
      rules: rulesAt(findings.filter(({ attack }) => attacks[attack]?.kind === kind)),
      panels: panels[kind] ?? [],
    }))
  return {
    kinds,
    silentKinds: kinds.filter(({ rules }) => rules.length === 0).map(({ kind }) => kind),
    unseenKinds: kinds.filter(one => one.panels.length === 0).map(({ kind }) => kind),
  }
}

function rulesAt(findings: readonly Finding[]): Coverage['kinds'][number]['rules'] {
  return [...Map.groupBy(findings, ({ rule }) => rule)]
    .map(([rule, own]) => ({ rule, found: own.length }))
    .sort((one, other) => other.found - one.found || (one.rule < other.rule ? -1 : 1))
}
