import { describe, expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { toYaml } from './render.ts'

describe('toYaml()', () => {
  test('writes documents that read back as the objects, without folded lines or references between them', () => {
    const labels = { group: 'control' }
    const objects = ['one', 'two'].map(name => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels },
      data: { script: `${'word '.repeat(60)}\nend\n`, again: 'yes' },
      selector: labels,
    }))
    const text = toYaml(objects)

    expect(parseAllDocuments(text).map(document => document.toJS())).toEqual(objects)
    expect(text).not.toMatch(/[&*]a\d|>-/)
  })
})
