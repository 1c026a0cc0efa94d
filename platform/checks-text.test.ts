import { describe, expect, test } from '@jest/globals'
import { checksText } from './checks-text.ts'

const engine = { check: 'Docker engine', ok: true, detail: 'version 20', hint: '' }
const disk = { check: 'disk', ok: false, detail: '1 GiB free', hint: 'Free 2 GiB.' }

describe('checksText()', () => {
  test('says what to do only where something is missing', () => {
    expect(checksText([engine])).toBe(
      ['    check          found', 'ok  Docker engine  version 20'].join('\n'),
    )
    expect(checksText([engine, disk])).toBe(
      [
        '         check          found',
        'ok       Docker engine  version 20',
        'MISSING  disk           1 GiB free',
        '',
        'What to do:',
        '  - disk: Free 2 GiB.',
      ].join('\n'),
    )
  })
})
