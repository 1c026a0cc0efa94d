import { type Group, PORTS, serviceHost } from '../topology.ts'

/** Twice the gateways: during a rolling update old and new ones are there at once. */
const SLOTS_PER_REPLICA = 2

/**
 * Requests under way for each gateway beyond which the edge refuses at once. Refusing costs it microseconds and the
 * gateway a connection; without the limit the gateways spend the processor on refusing, and answer less than they could.
 * Reads: at 100/s a zone outage was seen to keep 25 under way, so that three times as many are still load and not fault.
 * Writes wait for a new primary, some 10 s at 20/s, and cost nothing meanwhile.
 */
const UNDER_WAY = { reads: 24, writes: 64 } as const

/** How long the edge waits for one gateway, milliseconds; above the gateway's own deadlines. */
export const EDGE_TRY_MS = { read: 1900, write: 2500 } as const

/**
 * The edge's configuration: its time-outs were measured against a zone outage and fit each other.
 *
 *   client -> [edge] -> three gateways, each checked every 500 ms
 *
 * Deadlines nest, so that whoever gives up on somebody knows that he has given up, too:
 *
 * | | edge, one try | gateway | recommender | Postgres, one statement |
 * | --- | --- | --- | --- | --- |
 * | read | 1.9 s | 1.6 s | 1.5 s | 1 s |
 * | write | 2.5 s | 2.3 s | one try 2 s | 2 s |
 *
 * So silence means a gateway that is dead, or a machine that is: such a read is asked elsewhere, twice at most. What a
 * gateway answers to a read stands, an error as well: the gateway has its own budget for asking again, and a second one
 * here would multiply it. A write with an Idempotency-Key is tried up to 7 times: longer than it takes the database to
 * elect a new primary, so that a zone outage makes requests slow and not failed. A write without a key is never sent
 * twice.
 */
export function haproxyConfig(group: Group, gateways: number): string {
  const servers = [
    `server-template gateway ${gateways * SLOTS_PER_REPLICA} ${serviceHost(group, 'gateway')}:${PORTS.gateway}`,
    'check resolvers cluster resolve-prefer ipv4 init-addr none',
  ].join(' ')
  return `global
  maxconn 4000
  log stdout format raw local0 notice
  # After SIGUSR1: open requests may end, but no later than the longest write does.
  hard-stop-after 18s

defaults
  mode http
  log global
  option dontlog-normal
  timeout connect 200ms
  # Generous: a starved machine answers late, and a gateway taken out for it leaves its load to the others. A dead one
  # is noticed by its connection time-out.
  timeout check 1500ms
  timeout client 30s
  timeout http-request 5s
  timeout http-keep-alive 20s
  timeout server ${EDGE_TRY_MS.write}ms
  option redispatch 1
  # A kept connection to a gateway that died silently would cost its time-out: every request opens its own.
  option http-server-close
  http-reuse never
  option httpchk GET /readyz
  default-server inter 500ms fastinter 200ms downinter 500ms fall 2 rise 2
  http-error status 408 content-type application/problem+json string '${problem(408, 'Request Timeout')}'
  http-error status 502 content-type application/problem+json string '${problem(502, 'Bad Gateway')}'
  http-error status 503 content-type application/problem+json hdr Retry-After 1 string '${problem(503, 'Service Unavailable')}'
  http-error status 504 content-type application/problem+json string '${problem(504, 'Gateway Timeout')}'

# Gateways are found by name. A DNS server that fails or knows nothing takes none of them away: the checks decide.
resolvers cluster
  parse-resolv-conf
  resolve_retries 3
  timeout resolve 500ms
  timeout retry 300ms
  accepted_payload_size 4096
  hold valid 1s
  hold obsolete 2s
  hold nx 1h
  hold other 1h
  hold refused 1h
  hold timeout 1h

frontend public
  bind :${PORTS.edge}
  option forwardfor
  # Metrics are for the inside only.
  http-request deny deny_status 404 content-type application/problem+json string '${problem(404, 'Not Found')}' if { path,url_dec -m beg -i /metrics }
  use_backend reads if METH_GET
  default_backend writes

backend reads
  balance roundrobin
  ${refusal(`be_conn(reads) gt ${gateways * UNDER_WAY.reads}`)}
  retry-on conn-failure empty-response response-timeout
  retries 2
  timeout server ${EDGE_TRY_MS.read}ms
  ${servers}

backend writes
  balance roundrobin
  ${refusal(`be_conn(writes) gt ${gateways * UNDER_WAY.writes}`)}
  # 504: there is no primary yet, and the gateway has waited for one as long as it may. Not 503: it is full.
  retry-on conn-failure empty-response response-timeout 502 504
  timeout server ${EDGE_TRY_MS.write}ms
  retries 6
  http-request disable-l7-retry unless { req.hdr(Idempotency-Key) -m found }
  ${servers}

frontend metrics
  bind :${PORTS.edgeMetrics}
  acl no_gateway nbsrv(reads) lt 1
  monitor-uri /readyz
  monitor fail if no_gateway
  http-request use-service prometheus-exporter if { path /metrics }
  http-request return status 200 content-type text/plain string "alive" if { path /healthz }
  http-request deny deny_status 404
`
}

/** Rule that turns a request away while `condition` holds. */
function refusal(condition: string): string {
  const body = problem(503, 'Service Unavailable')
  return `http-request return status 503 content-type application/problem+json hdr Retry-After 1 string '${body}' if { ${condition} }`
}

/** RFC 9457 body of an answer that the edge gives itself. */
function problem(status: number, title: string): string {
  return JSON.stringify({ type: 'about:blank', title, status, detail: 'answered by the edge' })
}
