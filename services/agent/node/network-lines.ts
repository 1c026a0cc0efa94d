/*
 * What network tools print, as lines that stay the same as long as nobody changes anything. Pure.
 */

/** Ports that the kernel gives by itself (`ip_local_port_range`): who listens there chose nothing. */
const FIRST_EPHEMERAL_PORT = 32768
const LISTENING = '0A'
/** Chains of Kubernetes and of the network plugin come and go with pods and services. */
const KUBERNETES_RULE = /\b(KUBE-|CNI-|cali-|CILIUM|FLANNEL|AWS-)/

/** Output of `nft -s list ...`: one line a rule, with its table and chain. */
export function parseTables(text: string): readonly string[] {
  const lines: string[] = []
  const path: string[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim().replace(/\s+/g, ' ')
    if (line === '' || line.startsWith('#')) continue
    if (line.endsWith('{')) {
      path.push(line.slice(0, -1).trim())
      lines.push(`nft ${path.join(' / ')}`)
    } else if (line === '}') path.pop()
    else lines.push(`nft ${path.join(' / ')}: ${withoutTimes(line)}`)
  }
  return lines.filter(line => !KUBERNETES_RULE.test(line))
}

/** What is left of a time-out goes down by itself. */
function withoutTimes(line: string): string {
  return line.replace(/ expires \S+/g, '').replace(/counter packets \d+ bytes \d+/g, 'counter')
}

/** Output of `ip -o link`: names and settings, without numbers that the kernel gives. */
export function parseLinks(text: string): readonly string[] {
  return text.split('\n').flatMap(line => {
    const [, name, rest] = /^\d+: ([^:]+): (.*)$/.exec(line) ?? []
    if (name === undefined || rest === undefined) return []
    const setting = (key: string) => new RegExp(`\\b${key} ([^\\s\\\\]+)`).exec(rest)?.[1] ?? 'none'
    const device = name.split('@')[0]
    return [`link ${device} mtu ${setting('mtu')} qdisc ${setting('qdisc')} qlen ${setting('qlen')}`]
  })
}

/** Rows of /proc/net/tcp and its like: who listens on a port of their choice. */
export function parseListeners(protocol: string, table: string): readonly string[] {
  const isUdp = protocol.startsWith('udp')
  const ports = table
    .split('\n')
    .slice(1)
    .map(row => row.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTENING || (isUdp && state !== undefined))
    .map(([, local = '']) => local)
  const lines = ports.flatMap(local => {
    const [address = '', port = ''] = local.split(':')
    const number = Number.parseInt(port, 16)
    return number >= FIRST_EPHEMERAL_PORT ? [] : [`listens ${protocol} ${address}:${number}`]
  })
  return [...new Set(lines)]
}

/** Pods come and go, and with them their node's interfaces and routes: a pod has its own lines. */
export function stableNodeRules(line: string): boolean {
  return !/^(link|qdisc|route) (.* )?(veth|cali|lxc|eni)\S*/.test(line) && !line.startsWith('listens ')
}
