import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { KubeconfigApiServer } from './api-server.ts'
import { labFolders } from './cluster/local/folders.ts'
import { deploy, type LabRecord, readRecord, recordPath } from './lab.ts'
import { selectorLabels } from './manifests/object.ts'
import { FORWARDED_PORTS, SHARED_GROUP, SHARED_NAMESPACE } from './topology.ts'

jest.setTimeout(400_000)

const PROMETHEUS = `http://127.0.0.1:${FORWARDED_PORTS.prometheus}`
const RULE = 'reload_test:one'

let record: LabRecord
let api: KubeconfigApiServer
const told: string[] = []

beforeAll(async () => {
  record = await readRecord(recordPath(labFolders().state, undefined))
  api = new KubeconfigApiServer(record.access)
  await deployed({})
})
afterAll(() => deployed({}))

/** Deploys the lab with rule files besides its own. */
async function deployed(rules: Readonly<Record<string, string>>): Promise<void> {
  const observability = { ...record.observability, rules: { ...record.observability.rules, ...rules } }
  const tell = (message: string) => void told.push(message)
  await deploy({ ...record, observability }, tell, AbortSignal.timeout(380_000))
}

/** Which pods there are, and how often each was restarted. */
async function pods(): Promise<readonly (readonly [string | undefined, unknown])[]> {
  const labels = selectorLabels(SHARED_GROUP, 'prometheus')
  const found = await api.list('Pod', { namespace: SHARED_NAMESPACE, labels })
  return found.map(({ metadata, status }) => {
    const [container] =
      (status as { containerStatuses?: readonly { restartCount: number }[] }).containerStatuses ?? []
    return [metadata.uid, container?.restartCount]
  })
}

async function ruleNames(): Promise<readonly string[]> {
  const answer = await fetch(`${PROMETHEUS}/api/v1/rules`)
  const { data } = (await answer.json()) as { data: { groups: { rules: { name: string }[] }[] } }
  return data.groups.flatMap(group => group.rules.map(({ name }) => name))
}

const rule = (expr: string) => ({
  'reload-test.yml': `groups: [{ name: reload-test, rules: [{ record: '${RULE}', expr: '${expr}' }] }]\n`,
})

describe('deploy() of other rules', () => {
  test('has them loaded when it is over, by the Prometheus that was there before', async () => {
    const before = await pods()
    expect(before).toHaveLength(1)

    await deployed(rule('vector(1)'))

    expect(await ruleNames()).toContain(RULE)
    expect(await pods()).toEqual(before)
    expect(told).toContain('prometheus reads its files again')
  })

  test('tells why Prometheus refuses them, and leaves it with those it has', async () => {
    const before = await pods()

    await expect(deployed(rule('this is no query ('))).rejects.toMatchObject({
      code: 'CONFIG_REFUSED',
      message: expect.stringContaining('parse error'),
    })

    expect(await ruleNames()).toContain(RULE)
    expect(await pods()).toEqual(before)
  })

  test('has a file that is gone forgotten', async () => {
    await deployed({})

    expect(await ruleNames()).not.toContain(RULE)
  })
})
