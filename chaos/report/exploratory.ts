import type { Exploration } from '../judgement/exploratory.ts'
import { list, SIGNAL_LABELS } from '../judgement/wording.ts'

/** Cliff's delta of a signal with its sign, or `-`. */
export function deltaText({ delta }: Pick<Exploration, 'delta'>): string {
  if (delta === null) return '-'
  const text = delta.toFixed(2)
  return `${delta > 0 && Number(text) > 0 ? '+' : ''}${Number(text) === 0 ? '0' : text.replace('-', '−')}`
}

/** What stands out among the signals that do not decide. */
export function exploratoryText(explored: readonly Exploration[]): string {
  const beside = explored.flatMap(({ name, beyond }) => (beyond === null ? [] : [{ name, ...beyond }]))
  const delta =
    "Cliff's delta compares the values by second of the attack: +1, the experiment is always slower; 0, neither is."
  if (beside.length === 0) return delta
  const marked = beside.filter(({ isMarked }) => isMarked)
  const what =
    marked.length === 0
      ? 'none is surely beyond its margin'
      : `${list(marked.map(({ name, adjusted }) => `${SIGNAL_LABELS[name]} (adjusted p ${pText(adjusted)})`))} surely beyond the margin`
  return `${delta} Exploratory, it decides nothing: of the signals that were not declared to decide, ${what} once it is corrected for how many are looked at (Benjamini-Hochberg, at most 5 % false ones).`
}

const pText = (value: number) => (value < 0.001 ? 'below 0.001' : value.toFixed(3))
