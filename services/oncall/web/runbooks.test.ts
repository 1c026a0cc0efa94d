import { describe, expect, test } from '@jest/globals'
import { loadRunbooks, runbookName } from './runbooks.ts'

describe('runbookName()', () => {
  test.each([
    { address: 'http://127.0.0.1:30070/runbooks/Watchdog', expected: 'Watchdog' },
    { address: 'docs/runbooks/Watchdog.md', expected: 'Watchdog' },
    { address: 'https://example.org/divergence/docs/runbooks/Watchdog.md', expected: 'Watchdog' },
    { address: 'https://example.org/runbooks/kubernetes/Watchdog', expected: null },
    { address: 'http://127.0.0.1:30070/runbooks/../api', expected: null },
    { address: 'docs/runbooks/../../secrets/key.md', expected: null },
    { address: 'docs/runbooks/"><script>.md', expected: null },
    { address: 'docs/runbooks/Watchdog.html', expected: null },
    { address: undefined, expected: null },
  ])('of $address is $expected', ({ address, expected }) => {
    expect(runbookName(address)).toBe(expected)
  })
})

describe('loadRunbooks()', () => {
  test('has a text for each name, and none for another', () => {
    const { names, text } = loadRunbooks()

    expect(names).toContain('Watchdog')
    expect(names).not.toContain('README')
    expect(names.filter(name => !text(name)?.startsWith(`# ${name}\n`))).toEqual([])
    expect(text('../package')).toBeNull()
  })
})
