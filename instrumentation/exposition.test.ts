import { describe, expect, test } from '@jest/globals'
import { Counter, Histogram } from 'prom-client'
import { exemplarRegistry, expose, wantsOpenMetrics } from './exposition.ts'

/** What Prometheus sends. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

function registryWithExemplar() {
  const registry = exemplarRegistry()
  const counter = new Counter({ name: 'tries_total', help: 'Tries.', registers: [registry] })
  const histogram = new Histogram({
    name: 'wait_seconds',
    help: 'Waiting.',
    labelNames: ['route'],
    buckets: [0.1, 1],
    enableExemplars: true,
    registers: [registry],
  })
  counter.inc(3)
  const exemplarLabels: Record<string, string> = { trace_id: 'abc' }
  histogram.observe({ labels: { route: '/a' }, value: 0.5, exemplarLabels })
  return registry
}

describe('expose()', () => {
  test('gives the example of a bucket to who asks for OpenMetrics', async () => {
    const { contentType, text } = await expose(registryWithExemplar(), PROMETHEUS)
    const lines = text.split('\n')

    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(lines.slice(0, 3)).toEqual(['# HELP tries Tries.', '# TYPE tries counter', 'tries_total 3'])
    expect(lines.find(line => line.includes('le="1"'))).toMatch(
      /^wait_seconds_bucket\{le="1",route="\/a"\} 1 # \{trace_id="abc"\} 0\.5 \d+\.\d+$/,
    )
    expect(text.endsWith('\n# EOF\n')).toBe(true)
  })

  test('gives plain text without examples to everybody else', async () => {
    const { contentType, text } = await expose(registryWithExemplar(), undefined)

    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toContain('# TYPE tries_total counter\ntries_total 3\n')
    expect(text).not.toMatch(/ # \{|EOF/)
  })

  test('gives the same to each, whoever asked before or asks meanwhile', async () => {
    const registry = registryWithExemplar()
    const alone = (await expose(registry, undefined)).text
    const [, between, , after] = await Promise.all([
      expose(registry, PROMETHEUS),
      expose(registry, undefined),
      expose(registry, PROMETHEUS),
      expose(registry, undefined),
    ])

    expect([between?.text, after?.text]).toEqual([alone, alone])
  })
})

describe('wantsOpenMetrics()', () => {
  test.each([
    [PROMETHEUS, true],
    ['text/plain', false],
    [undefined, false],
  ])('%s: %s', (accept, wanted) => {
    expect(wantsOpenMetrics(accept)).toBe(wanted)
  })
})
