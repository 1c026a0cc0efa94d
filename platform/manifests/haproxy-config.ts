import { type Group, PORTS, serviceHost } from '../topology.ts'

/** Twice the gateways: during a rolling update old and new ones are there at once. */
const SLOTS_PER_REPLICA = 2

/**
 * The edge's configuration: its time-outs were measured against a zone outage and fit each other.
 *
 *   client -> [edge] -> three gateways, each checked every 500 ms
 *
 * A read is tried up to 4 times of 1.2 s, a write with an Idempotency-Key up to 7 times of 2.5 s: longer than it takes
 * the database to elect a new primary, so that a zone outage makes requests slow and not failed. A write without a key
 * is never sent twice.
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
  timeout queue 2s
  timeout server 3200ms
  retries 3
  option redispatch 1
  # A kept connection to a gateway that died silently would cost its time-out: every request opens its own.
  option http-server-close
  http-reuse never
  option httpchk GET /readyz
  default-server inter 500ms fastinter 200ms downinter 500ms fall 2 rise 2
  http-error status 408 content-type application/problem+json string '${problem(408, 'Request Timeout')}'
  http-error status 502 content-type application/problem+json string '${problem(502, 'Bad Gateway')}'
  http-error status 503 content-type application/problem+json string '${problem(503, 'Service Unavailable')}'
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
  # Not 503: a gateway that is full says so at once, and asking the next one only fills that, too.
  retry-on conn-failure empty-response response-timeout 502 504
  timeout server 1200ms
  ${servers}

backend writes
  balance roundrobin
  # 503 as well: it says that there is no primary yet, and comes after the gateway's own patience.
  retry-on conn-failure empty-response response-timeout 502 503 504
  timeout server 2500ms
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

/** RFC 9457 body of an answer that the edge gives itself. */
function problem(status: number, title: string): string {
  return JSON.stringify({ type: 'about:blank', title, status, detail: 'answered by the edge' })
}
