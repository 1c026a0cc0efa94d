import { describe, expect, test } from '@jest/globals'
import { parseLinks, parseListeners, parseTables, stableNodeRules } from './network-lines.ts'

describe('parseTables()', () => {
  test('gives a line for each rule, with where it stands', () => {
    const text = `table netdev divergence_f1a {
\tset fuse {
\t\ttype ether_type
\t\telements = { 0x0800 timeout 3s expires 1s200ms }
\t}
\tchain in {
\t\ttype filter hook ingress device "eth0" priority -310; policy accept;
\t\tcounter packets 12 bytes 99 drop
\t}
}
`
    expect(parseTables(text)).toEqual([
      'nft table netdev divergence_f1a',
      'nft table netdev divergence_f1a / set fuse',
      'nft table netdev divergence_f1a / set fuse: type ether_type',
      'nft table netdev divergence_f1a / set fuse: elements = { 0x0800 timeout 3s }',
      'nft table netdev divergence_f1a / chain in',
      'nft table netdev divergence_f1a / chain in: type filter hook ingress device "eth0" priority -310; policy accept;',
      'nft table netdev divergence_f1a / chain in: counter drop',
    ])
  })

  test('leaves out what Kubernetes changes all the time', () => {
    const text =
      'table ip mangle {\n\tchain KUBE-KUBELET-CANARY {\n\t}\n\tchain own {\n\t\tjump KUBE-X\n\t}\n}\n'

    expect(parseTables(text)).toEqual(['nft table ip mangle', 'nft table ip mangle / chain own'])
  })
})

describe('parseLinks()', () => {
  test('keeps the settings and leaves out numbers that the kernel gives', () => {
    const text = [
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    link/loopback 00:00',
      '2: eth0@if12: <BROADCAST> mtu 1500 qdisc tbf state UP mode DEFAULT group default \\    link/ether 6a:01',
      '',
    ].join('\n')

    expect(parseLinks(text)).toEqual([
      'link lo mtu 65536 qdisc noqueue qlen 1000',
      'link eth0 mtu 1500 qdisc tbf qlen none',
    ])
  })
})

describe('parseListeners()', () => {
  const header = '  sl  local_address rem_address   st tx_queue rx_queue\n'

  test('gives listening ports, not connections and not ports that the kernel chose', () => {
    const table = `${header}   0: 00000000:1F90 00000000:0000 0A 0:0
   1: 0100007F:1F90 0100007F:C350 01 0:0
   2: 0100007F:C351 00000000:0000 0A 0:0
`
    expect(parseListeners('tcp', table)).toEqual(['listens tcp 00000000:8080'])
  })

  test('counts every socket of UDP on a port of its choice', () => {
    expect(parseListeners('udp', `${header}   5: 0100007F:0035 00000000:0000 07 0:0\n`)).toEqual([
      'listens udp 0100007F:53',
    ])
  })
})

describe('stableNodeRules()', () => {
  test.each([
    ['link veth12 mtu 1500 qdisc noqueue qlen none', false],
    ['route 10.244.21.5 dev veth12 scope host', false],
    ['listens tcp 00000000:10250', false],
    ['link ifb0 mtu 1500 qdisc noqueue qlen 32', true],
    ['route 10.244.22.0/24 via 172.30.77.22 dev eth0', true],
    ['qdisc tbf root dev eth0', true],
  ])('%s: %s', (line, isStable) => {
    expect(stableNodeRules(line)).toBe(isStable)
  })
})
