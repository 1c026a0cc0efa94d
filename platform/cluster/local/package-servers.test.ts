import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import type { MachineSettings } from '../../images/machine.ts'
import { mavenRepository, packageServerChecks, pipIndex, pythonCheck } from './package-servers.ts'

const CENTRAL = 'https://repo.maven.apache.org/maven2'
const mirror = (of: string, url: string) =>
  `<mirror><id>one</id><mirrorOf>${of}</mirrorOf><url>${url}</url></mirror>`

describe('pipIndex()', () => {
  test("is the index of this machine's settings, else the official one", () => {
    expect(pipIndex({ environment: { PIP_INDEX_URL: 'https://index.example/simple/' } })).toBe(
      'https://index.example/simple',
    )
    expect(pipIndex({ environment: {} })).toBe('https://pypi.org/simple')
  })
})

describe('mavenRepository()', () => {
  test.each([
    { title: 'the official one without settings', settings: '', expected: CENTRAL },
    {
      title: 'a mirror of everything',
      settings: mirror('*', ' https://m.example/maven/ '),
      expected: 'https://m.example/maven',
    },
    {
      title: 'a mirror of central among others',
      settings: mirror('other,central', 'https://m.example'),
      expected: 'https://m.example',
    },
    {
      title: 'not a mirror of something else',
      settings: mirror('other', 'https://m.example'),
      expected: CENTRAL,
    },
    {
      title: 'not a mirror of all but central',
      settings: mirror('*,!central', 'https://m.example'),
      expected: CENTRAL,
    },
    {
      title: 'not what is commented out',
      settings: `<!-- ${mirror('*', 'https://m.example')} -->`,
      expected: CENTRAL,
    },
    {
      title: 'filled in from the environment',
      settings: mirror('*', `https://\${env.HOST}/a?b&amp;c`),
      expected: 'https://m.example/a?b&c',
    },
  ])('is $title', ({ settings, expected }) => {
    expect(mavenRepository(settings, { HOST: 'm.example' })).toBe(expected)
  })
})

describe('pythonCheck()', () => {
  const asked = async (status: number, credentials: string) => {
    const requests: { url: string | undefined; authorization: string | undefined }[] = []
    const server = createServer(({ url, headers }, response) => {
      requests.push({ url, authorization: headers.authorization })
      response.writeHead(status).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const settings: MachineSettings = {
      authorities: '',
      maven: '',
      environment: { PIP_INDEX_URL: `http://${credentials}127.0.0.1:${port}/simple/` },
    }
    try {
      return { check: await pythonCheck(settings), requests }
    } finally {
      server.close()
    }
  }

  test("asks this machine's own index, with its password, and does not tell it", async () => {
    const { check, requests } = await asked(200, 'me:p%40ss@')

    expect(requests).toEqual([
      { url: '/simple/pyspark/', authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
    ])
    expect(check).toMatchObject({ ok: true, detail: 'reachable' })
    expect(JSON.stringify(check)).not.toContain('p%40ss')
  })

  test('tells what the server said when it is not the packages', async () => {
    expect((await asked(403, '')).check).toMatchObject({ ok: false, detail: 'the server says 403' })
  })

  test('says that nobody answers', async () => {
    const settings = {
      authorities: '',
      maven: '',
      environment: { PIP_INDEX_URL: 'http://127.0.0.1:1/simple' },
    }

    expect(await pythonCheck(settings)).toMatchObject({ ok: false, detail: 'not reachable' })
  })
})

describe('packageServerChecks()', () => {
  test('asks nobody when nothing has to be fetched', async () => {
    const checks = await packageServerChecks(false)

    expect(checks.map(({ check, ok }) => [check, ok])).toEqual([
      ['Debian packages', true],
      ['Python packages', true],
      ['Java packages', true],
    ])
  })
})
