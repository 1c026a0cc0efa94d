import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { prometheusConfig } from './prometheus-config.ts'

type Relabel = {
  source_labels?: string[]
  regex: string
  target_label?: string
  replacement?: string
  action?: string
}
type ScrapeConfig = {
  job_name: string
  honor_labels?: boolean
  scrape_interval?: string
  http_sd_configs?: { url: string }[]
  metric_relabel_configs?: Relabel[]
}

const { global, scrape_configs: jobs } = parse(prometheusConfig()) as {
  global: { scrape_interval: string }
  scrape_configs: ScrapeConfig[]
}

/** What Prometheus makes of a series' labels, for the replacing rules. */
function relabelled(job: string, labels: Record<string, string>): Record<string, string> {
  const result = { ...labels }
  for (const rule of jobs.find(each => each.job_name === job)?.metric_relabel_configs ?? []) {
    if (rule.action !== undefined || !rule.target_label) continue
    const value = (rule.source_labels ?? []).map(label => result[label] ?? '').join(';')
    const match = new RegExp(`^(?:${rule.regex})$`).exec(value)
    if (match) result[rule.target_label] = (rule.replacement ?? '').replace('$1', match[1] ?? '')
  }
  return result
}

describe('prometheusConfig()', () => {
  test('asks everything but the API server every five seconds and finds it by object-state', () => {
    expect(global.scrape_interval).toBe('5s')
    const slow = jobs.filter(({ scrape_interval }) => scrape_interval !== undefined)
    expect(slow.map(({ job_name, scrape_interval }) => [job_name, scrape_interval])).toEqual([
      ['apiserver', '30s'],
    ])
    const found = jobs.filter(job => !slow.includes(job))
    expect(found.map(job => [job.job_name, job.http_sd_configs?.[0]?.url.split('/').at(-1)])).toEqual([
      ['gateway', 'gateway'],
      ['recommender', 'recommender'],
      ['database', 'database'],
      ['edge', 'edge'],
      ['node-exporter', 'node-exporter'],
      ['prometheus', 'prometheus'],
      ['alertmanager', 'alertmanager'],
      ['oncall', 'oncall'],
      ['postgres', 'postgres'],
      ['zipkin', 'zipkin'],
      ['probe-http', 'probe-http'],
      ['probe-icmp', 'probe-icmp'],
      ['probe-icmp-zones', 'probe-icmp-zones'],
      ['probe-dns', 'probe-dns'],
      ['blackbox', 'blackbox'],
      ['object-state', 'object-state'],
      ['containers', 'kubelet'],
    ])
  })

  test.each([
    ['gateway-6d5f7c9b8d-x2x4z', 'gateway'],
    ['database-0', 'database'],
    ['node-exporter-abcde', 'node-exporter'],
    ['object-state-6d5f7c9b8d-x2x4z', 'object-state'],
    ['migrate-b954d0dff3-abcde', 'migrate'],
    ['ingest-openmsx-small-12345678-bed490160d-abcde', 'ingest'],
    ['divergence-ingest-0a1b2c3d4e5f6a7b-exec-1', 'ingest'],
  ])('knows that pod %s is of service %s', (pod, service) => {
    expect(relabelled('containers', { pod, namespace: 'experiment' }).service).toBe(service)
    expect(
      relabelled('object-state', { __name__: 'kube_pod_info', pod, service: 'object-state' }).service,
    ).toBe(service)
  })

  test('counts the containers of an edge to its group, not to the node it shares', () => {
    const labels = { pod: 'edge-6d5f7c9b8d-x2x4z', namespace: 'control', group: 'system' }

    expect(relabelled('containers', labels).group).toBe('control')
  })

  test('does not let what object-state tells pass for its own', () => {
    const about = (labels: Record<string, string>) =>
      relabelled('object-state', {
        __name__: 'kube_deployment_spec_replicas',
        service: 'object-state',
        ...labels,
      }).service

    expect(about({ deployment: 'gateway' })).toBe('gateway')
    expect(about({ node: 'control-a' })).toBe('')
    expect(
      relabelled('object-state', { __name__: 'process_cpu_seconds_total', service: 'object-state' }).service,
    ).toBe('object-state')
  })
})
