import { describe, expect, test } from '@jest/globals'
import { listeningSockets } from './read-clock.ts'

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 111 1 0
   1: 0500F40A:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 222 1 0
   2: 0500F40A:1F90 0600F40A:C001 01 00000000:00000000 00:00000000 00000000 10001        0 333 1 0
`
const TABLE_6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:24F8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 444 1 0
   1: 0000000000000000FFFF00000500F40A:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 555 1 0
   2: B80D0120000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 666 1 0
`

describe('listeningSockets()', () => {
  test('reads who listens, and on all addresses as loopback', () => {
    expect(listeningSockets(TABLE)).toEqual([
      { address: '127.0.0.1', port: 8080, inode: '111' },
      { address: '10.244.0.5', port: 5432, inode: '222' },
    ])
  })

  test('reads addresses of version 6', () => {
    expect(listeningSockets(TABLE_6)).toEqual([
      { address: '127.0.0.1', port: 9464, inode: '444' },
      { address: '10.244.0.5', port: 8080, inode: '555' },
      { address: '2001:db8:0:0:0:0:0:1', port: 8080, inode: '666' },
    ])
  })
})
