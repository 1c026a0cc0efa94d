import { describe, expect, test } from '@jest/globals'
import { pulledReference } from './registry.ts'

describe('pulledReference()', () => {
  test('names what was pushed as the nodes reach it', () => {
    expect(pulledReference('127.0.0.1:35000/edge:1a2b')).toBe('registry.divergence:5000/edge:1a2b')
  })

  test('refuses what was pushed elsewhere', () => {
    expect(() => pulledReference('registry.example/edge:1a2b')).toThrow(
      "Cannot publish 'registry.example/edge:1a2b'",
    )
  })
})
