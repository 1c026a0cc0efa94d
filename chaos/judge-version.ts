import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What decides over a verdict beside the files of the judge. */
const BESIDE = ['chaos/abort-rule.ts', 'chaos/measurement/phases.ts', 'load/surge.ts', 'platform/random.ts']
const JUDGE = 'chaos/judgement'

/**
 * Fingerprint of the judge's program, twelve hexadecimal digits: another one may judge otherwise, so what was found out
 * about the one does not hold for the other.
 *
 * @param root folder of the repository
 */
export function judgeVersion(root: string): string {
  const own = readdirSync(join(root, JUDGE)).filter(name => /(?<!\.test|\.d)\.ts$/.test(name))
  const hash = createHash('sha256')
  for (const path of [...own.map(name => `${JUDGE}/${name}`), ...BESIDE].sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 12)
}
