import { describe, expect, test } from '@jest/globals'
import { EXAMPLE_INPUT } from './example.ts'
import type { ObjectStore } from './input.ts'
import { renderAll } from './manifests.ts'
import { OBJECTS } from './planned-pods.ts'

describe('ingest', () => {
  const jobName = (input: typeof EXAMPLE_INPUT) =>
    renderAll(input).find(({ kind, metadata }) => kind === 'Job' && metadata.labels.service === 'ingest')
      ?.metadata.name

  test('is another Job when the corpus is another', () => {
    const other = { ...EXAMPLE_INPUT, corpus: { name: 'openmsx-small', contentHash: '0000000000000000' } }

    expect(jobName(EXAMPLE_INPUT)).toMatch(/^ingest-openmsx-small-[0-9a-f]{10}$/)
    expect(jobName(other)).not.toBe(jobName(EXAMPLE_INPUT))
  })

  test('is another Job when its program is another', () => {
    const images = { ...EXAMPLE_INPUT.images, ingest: 'registry.divergence:5000/ingest:ffffffffffffffff' }

    expect(jobName({ ...EXAMPLE_INPUT, images })).not.toBe(jobName(EXAMPLE_INPUT))
  })

  test('is the same Job when nothing that it does has changed', () => {
    const { services, ...rest } = EXAMPLE_INPUT.topology
    const busier = services.map(spec => (spec.service === 'gateway' ? { ...spec, replicas: 5 } : spec))

    expect(jobName({ ...EXAMPLE_INPUT, topology: { ...rest, services: busier } })).toBe(
      jobName(EXAMPLE_INPUT),
    )
  })

  test('has a name Kubernetes takes, whatever the folder is called', () => {
    const corpus = { name: 'a'.repeat(30), contentHash: 'feedfacecafebeef' }

    expect(jobName({ ...EXAMPLE_INPUT, corpus })?.length).toBeLessThanOrEqual(52)
  })

  const fromStore = (store: ObjectStore) => {
    const corpus = { name: 'songs', contentHash: 'feedfacecafebeef', uri: 's3a://songs/midi', store }
    const objects = renderAll({ ...EXAMPLE_INPUT, corpus }).filter(
      ({ metadata }) => metadata.labels.service === 'ingest' && metadata.namespace === 'control',
    )
    const settings = objects.flatMap(({ data }) => Object.values((data ?? {}) as Record<string, string>))
    const job = objects.find(({ kind }) => kind === 'Job')
    return { settings: settings.join('\n'), job: JSON.stringify(job) }
  }

  test('reads AWS with the identity of its pods, driver and executors', () => {
    const { settings, job } = fromStore({ credentials: 'pods', region: 'eu-central-1' })

    expect(settings).toContain('fs.s3a.endpoint.region eu-central-1\n')
    expect(settings).toContain('DefaultCredentialsProvider\n')
    expect(settings).toContain('name: SPARK_FILE_SYSTEM')
    expect(settings).not.toContain('fs.s3a.endpoint http')
    expect(job).toContain('s3a://songs/midi')
    expect(job).not.toMatch(/AWS_|persistentVolumeClaim/)
  })

  test('reads another store with keys that no manifest holds', () => {
    const { settings, job } = fromStore({ credentials: 'caller', endpointUrl: 'http://store:9000' })

    expect(settings).toContain('fs.s3a.endpoint http://store:9000\n')
    expect(settings).toContain('fs.s3a.path.style.access true\n')
    expect(settings).toContain('fs.s3a.endpoint.region us-east-1\n')
    for (const text of [settings, job]) {
      expect(text.match(/object-store-keys/g)).toHaveLength(3)
    }
  })

  test('traces driver and executors as one, and lets only the driver report errors', () => {
    const of = (kind: string) =>
      JSON.stringify(
        OBJECTS.filter(object => object.kind === kind && object.metadata.labels.service === 'ingest'),
      )
    const executors = of('ConfigMap')

    for (const text of [of('Job'), executors]) {
      expect(text).toContain('zipkin.observability.svc.cluster.local:9411')
      expect(text).toContain('parentbased_always_on')
      expect(text).not.toContain('OTEL_TRACES_SAMPLER_ARG')
    }
    expect(of('Job')).toContain('SENTRY_DSN')
    expect(executors).not.toMatch(/SENTRY_(DSN|KEY)/)
  })

  test('tells Spark where to put executors and how large they are', () => {
    const settings = OBJECTS.flatMap(object => {
      const text = (object.data as Record<string, string> | undefined)?.['spark-defaults.conf']
      return text && object.metadata.namespace === 'experiment' ? [text] : []
    })

    expect(settings).toHaveLength(1)
    expect(settings[0]).toContain('spark.kubernetes.namespace experiment\n')
    expect(settings[0]).toContain('spark.executor.memory 512m\n')
    expect(settings[0]).toContain('spark.executor.memoryOverhead 512m\n')
    expect(settings[0]).toContain(
      'spark.kubernetes.container.image registry.divergence:5000/ingest:0123456789abcdef\n',
    )
  })
})
