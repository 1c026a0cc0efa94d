import { describe, expect, test } from '@jest/globals'
import { recordedProbe, subjectOf } from './container-fixture.ts'
import { type SignalSpec, signal } from './signal.ts'

const kill = (process: string): SignalSpec => ({ action: 'signal', signal: 'KILL', process })

describe('signal', () => {
  test.each([
    { process: 'main', pids: [100] },
    { process: 'patroni', pids: [100] },
    { process: 'postgres', pids: [110, 111] },
  ])('kills $process', ({ process, pids }) => {
    const commands = signal.begin(subjectOf(kill(process)))
    expect(commands.map(command => command.do === 'signal' && command.process.pid)).toEqual(pids)
    expect(signal.end(subjectOf(kill(process)))).toEqual([])
  })

  test('refuses a name that nobody has, and says who is there', () => {
    expect(() => signal.begin(subjectOf(kill('gres')))).toThrow(
      "Cannot kill 'gres' in 'database-0/database': no process has this name, there are: python3, postgres",
    )
  })

  test.each(['a b', '', '../x', '-9;'])('does not take %j for a name', process => {
    expect(signal.schema.safeParse(kill(process)).success).toBe(false)
  })

  test('is proven when all were there and none is left', async () => {
    const subject = subjectOf(kill('postgres'))
    const before = await signal.read(subject, recordedProbe({ alive: [110, 111] }))
    const one = await signal.read(subject, recordedProbe({ alive: [111] }))
    const none = await signal.read(subject, recordedProbe())
    expect(signal.finding(subject.spec, before, none)).toEqual({
      proven: true,
      detail: '2 of 2 processes are gone',
    })
    expect(signal.finding(subject.spec, before, one).proven).toBe(false)
    expect(signal.finding(subject.spec, none, none).proven).toBe(false)
  })
})
