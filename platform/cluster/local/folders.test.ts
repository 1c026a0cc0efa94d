import { describe, expect, test } from '@jest/globals'
import { labFolders } from './folders.ts'

describe('labFolders()', () => {
  test('are the XDG folders where the user has set them', () => {
    expect(labFolders({ XDG_CACHE_HOME: '/c', XDG_STATE_HOME: '/s' }, '/home/x')).toEqual({
      cache: '/c/divergence',
      state: '/s/divergence',
    })
  })

  test.each([{}, { XDG_CACHE_HOME: '', XDG_STATE_HOME: 'relative/path' }])(
    "are in the user's home otherwise: %j",
    environment => {
      expect(labFolders(environment, '/home/x')).toEqual({
        cache: '/home/x/.cache/divergence',
        state: '/home/x/.local/state/divergence',
      })
    },
  )
})
