import { describe, expect, test } from '@jest/globals'
import { manifestUrl, push } from './push.ts'

describe('manifestUrl()', () => {
  test.each([
    ['127.0.0.1:35000/edge:0a', 'http://127.0.0.1:35000/v2/edge/manifests/0a'],
    ['localhost:5000/edge:0a', 'http://localhost:5000/v2/edge/manifests/0a'],
    ['registry.example/team/edge:0a', 'https://registry.example/v2/team/edge/manifests/0a'],
    ['localhost.example/edge:0a', 'https://localhost.example/v2/edge/manifests/0a'],
  ])('%s', (reference, url) => {
    expect(manifestUrl(reference)).toBe(url)
  })
})

describe('push()', () => {
  const request = { tag: 'divergence/edge:0a', reference: 'registry.example/edge:0a' }
  const pushWith = async (status: number | undefined) => {
    const commands: string[] = []
    const run = async (program: string, args: readonly string[]) => {
      commands.push([program, ...args].join(' '))
      return ''
    }
    await push(request, { run, ask: async () => status }, () => undefined, new AbortController().signal)
    return commands
  }

  test('leaves alone what the registry has', async () => {
    expect(await pushWith(200)).toEqual([])
  })

  test.each([404, 401, undefined])(
    'uploads when the registry says %s, and keeps no second tag',
    async status => {
      expect(await pushWith(status)).toEqual([
        'docker tag divergence/edge:0a registry.example/edge:0a',
        'docker push --quiet registry.example/edge:0a',
        'docker image rm --no-prune registry.example/edge:0a',
      ])
    },
  )

  test.each([
    [
      'is content with a registry that has the tag and lets nobody push it again',
      "tag invalid: The image tag '0a' already exists in the 'edge' repository and cannot be overwritten because the repository is immutable.",
      undefined,
    ],
    ['is not content with another refusal', 'denied: the repository does not exist', 'does not exist'],
  ])('%s', async (_title, answer, problem) => {
    const run = async (_: string, args: readonly string[]) => {
      if (args[0] === 'push') throw new Error(`Cannot run docker push: ${answer}`)
      return ''
    }
    const pushed = push(request, { run, ask: async () => 401 }, () => undefined, new AbortController().signal)
    if (problem === undefined) await pushed
    else await expect(pushed).rejects.toThrow(problem)
  })

  test('keeps no second tag of an upload that failed', async () => {
    const commands: string[] = []
    const run = async (_: string, args: readonly string[]) => {
      commands.push(args.slice(0, 2).join(' '))
      if (args[0] === 'push') throw new Error('connection refused')
      return ''
    }
    const pushed = push(request, { run, ask: async () => 404 }, () => undefined, new AbortController().signal)
    await expect(pushed).rejects.toThrow('connection refused')
    expect(commands.at(-1)).toBe('image rm')
  })
})
