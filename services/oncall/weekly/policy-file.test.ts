import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Policy } from './policy.ts'
import { readPolicy } from './policy-file.ts'

const POLICY: Policy = {
  slos: [{ id: 'gateway-availability', service: 'gateway', objective: 0.998, events: 'a', bad: 'b' }],
  rules: [{ name: 'MostlyFailing', forSeconds: 60, tier: 'burn', sev: 1 }],
  panels: { cpu: ['Infrastructure / CPU of services'] },
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'policy-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function read(text: string) {
  const path = join(folder, 'policy.json')
  await writeFile(path, text)
  return await readPolicy(path)
}

describe('readPolicy()', () => {
  test('reads what was deployed', async () => {
    expect(await read(JSON.stringify(POLICY))).toEqual(POLICY)
  })

  test('is none without a file', async () => {
    expect(await readPolicy(null)).toBeNull()
  })

  test.each([
    { title: 'is no JSON', text: '{', says: 'SyntaxError' },
    { title: 'promises too much', text: JSON.stringify(withObjective(1)), says: 'slos[0].objective' },
    { title: 'says something unknown', text: JSON.stringify({ ...POLICY, other: 1 }), says: 'other' },
  ])('refuses a file that $title', async ({ text, says }) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'POLICY_FILE',
      message: expect.stringContaining(says),
    })
  })

  test('refuses to start without the file that it was told of', async () => {
    await expect(readPolicy(join(folder, 'gone.json'))).rejects.toThrow('Cannot read the policy')
  })
})

function withObjective(objective: number): Policy {
  return { ...POLICY, slos: POLICY.slos.map(slo => ({ ...slo, objective })) }
}
