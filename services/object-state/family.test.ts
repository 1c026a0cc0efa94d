import { describe, expect, test } from '@jest/globals'
import { renderFamilies, renderSample } from './family.ts'

describe('renderSample()', () => {
  test('escapes what would end a label value', () => {
    const sample = { labels: { reason: 'a "b"\nc\\d' }, value: 1 }
    expect(renderSample('x', { pod: 'p' }, sample)).toBe('x{pod="p",reason="a \\"b\\"\\nc\\\\d"} 1')
  })
})

describe('renderFamilies()', () => {
  test('writes the head of each metric once, also when there is nothing to tell', () => {
    const families = [
      { name: 'a', type: 'gauge', help: 'A.', samples: (value: number) => [{ labels: {}, value }] },
      { name: 'b', type: 'counter', help: 'B.', samples: () => [] },
    ] as const
    expect(renderFamilies(families, [1, 2], value => ({ id: String(value) }))).toBe(
      '# HELP a A.\n# TYPE a gauge\na{id="1"} 1\na{id="2"} 2\n# HELP b B.\n# TYPE b counter\n',
    )
  })
})
