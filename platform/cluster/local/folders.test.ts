import { describe, expect, test } from '@jest/globals'
import { labFolders } from './folders.ts'

describe('labFolders()', () => {
  test('are the XDG folders where the user has set them', () => {
    expect(labFolders({ XDG_CACHE_HOME: '/c', XDG_STATE_HOME: '/s' }, '/somebody')).toEqual({
      cache: '/c/divergence',
      state: '/s/divergence',
    })
  })

  test.each([{}, { XDG_CACHE_HOME: '', XDG_STATE_HOME: 'relative/path' }])(
    "are in the user's home otherwise: %j",
    environment => {
      expect(labFolders(environment, '/somebody')).toEqual({
        cache: '/somebody/.cache/divergence',
        state: '/somebody/.local/state/divergence',
      })
    },
  )
})
