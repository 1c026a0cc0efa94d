import { describe, expect, test } from '@jest/globals'
import { request as faultRequest } from './engine-fixture.ts'
import { parseRequest } from './request.ts'

const prepare = (changes: object) =>
  parseRequest(JSON.stringify({ seq: 3, op: 'prepare', fault: { ...faultRequest(), ...changes } }))

/** What is wrong with a request. */
function problemOf(parsed: ReturnType<typeof parseRequest>): string {
  return parsed.ok ? 'nothing' : `${parsed.seq} ${parsed.error.code} ${parsed.error.message}`
}

describe('parseRequest()', () => {
  test.each(['hello', 'status', 'snapshot', 'halt', 'release'])('reads %s', op => {
    expect(parseRequest(`{"seq":1,"op":"${op}"}`)).toEqual({ ok: true, request: { seq: 1, op } })
  })

  test('reads a fault with its actions', () => {
    expect(prepare({})).toEqual({ ok: true, request: { seq: 3, op: 'prepare', fault: faultRequest() } })
  })

  test.each([
    ['what is not JSON', 'hello', '-1 NOT_UNDERSTOOD Cannot understand the request: it is not JSON'],
    ['an unknown operation, and says which there are', '{"seq":4,"op":"exec"}', "'hello' | 'prepare'"],
    ['a field that nobody asked for', '{"seq":4,"op":"hello","command":"rm"}', 'command'],
    ['null', 'null', 'NOT_UNDERSTOOD'],
  ])('refuses %s', (_title, line, problem) => {
    expect(problemOf(parseRequest(line))).toContain(problem)
  })

  test.each([
    ['an id that could be a path', { id: '../x' }, 'fault.id: must be 1 to 24'],
    ['an id that is too long', { id: 'a'.repeat(25) }, 'fault.id'],
    ['a duration over an hour', { durationSeconds: 3601 }, 'fault.durationSeconds'],
    ['a duration of nothing', { durationSeconds: 0 }, 'fault.durationSeconds'],
    ['a lease that never ends', { leaseSeconds: 31 }, 'fault.leaseSeconds'],
    ['no actions', { actions: [] }, 'fault.actions'],
    ['an action that there is not', { actions: [{ action: 'exec' }] }, 'action must be one of drop, delay'],
    [
      'an action by the name of an inherited property',
      { actions: [{ action: 'toString' }] },
      'action must be one of',
    ],
    ['a parameter that an action does not have', { actions: [{ action: 'freeze', path: '/' }] }, 'path'],
    [
      'a pod that is a path',
      { target: { kind: 'container', pod: '../../control/pods/x', podUid: 'x', container: 'x' } },
      'fault.target.pod',
    ],
    ['a namespace', { target: { ...faultRequest().target, namespace: 'control' } }, 'namespace'],
  ])('refuses %s', (_title, changes, problem) => {
    const parsed = prepare(changes)

    expect(problemOf(parsed)).toMatch(/^3 NOT_UNDERSTOOD/)
    expect(problemOf(parsed)).toContain(problem)
  })
})
