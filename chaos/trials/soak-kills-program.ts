/**
 * Kills the runner and the agents with -9 at random moments over random faults, several at once, and looks for what is
 * left: `npm run soak:kills -- --count 200 --seed 1`. Needs the local lab (`./divergence up`).
 */
import { parseArgs } from 'node:util'
import { play, type RoundResult, roundsOf } from './soak.ts'
import { remember, spreadPods } from './trial.ts'
import { connectTrialLab, keepAsking } from './trial-lab.ts'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
})
const rounds = roundsOf(Number(values.count), Number(values.seed))
const lab = await connectTrialLab()
await spreadPods(lab, await remember(lab))
const asking = new AbortController()
void keepAsking(5, asking.signal)

const results: RoundResult[] = []
const beganMs = Date.now()
for (const [index, round] of rounds.entries()) {
  const result = await play(lab, round)
  results.push(result)
  const undone =
    result.undoneSeconds === null
      ? 'nothing had begun'
      : `undone ${result.undoneSeconds.toFixed(1)} s after the last kill`
  const left = result.residue.length === 0 ? 'nothing left' : `LEFT: ${result.residue.join('; ')}`
  process.stdout.write(
    `${index + 1}/${rounds.length} ${result.kinds.join('+')} | killed ${result.kills.join(', ')} | ${undone} | ${left}\n`,
  )
}
asking.abort()
lab.agents.close()

const kills = results.flatMap(result => result.kills)
const left = results.filter(({ residue }) => residue.length > 0).length
const slowest = Math.max(0, ...results.map(({ undoneSeconds }) => undoneSeconds ?? 0))
process.stdout.write(
  `${kills.length} kills (${kills.filter(victim => victim === 'runner').length} of the runner) in ${results.length} rounds, seed ${values.seed}, ${((Date.now() - beganMs) / 60_000).toFixed(1)} min: ${left} rounds left something behind; slowest undo ${slowest.toFixed(1)} s\n`,
)
process.exitCode = left === 0 ? 0 : 4
