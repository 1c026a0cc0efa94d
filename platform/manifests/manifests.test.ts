import { describe, expect, test } from '@jest/globals'
import type { Group } from '../topology.ts'
import { EXAMPLE_INPUT } from './example.ts'
import { renderAll, renderStages, STAGES } from './manifests.ts'
import type { KubernetesObject } from './object.ts'
import { CONTAINERS, OBJECTS } from './planned-pods.ts'

describe('renderStages()', () => {
  test('gives every stage in the order in which they need each other', () => {
    expect(renderStages(EXAMPLE_INPUT).map(stage => stage.name)).toEqual([...STAGES])
    expect(STAGES).toEqual(['facilities', 'database', 'migrate', 'services', 'ingest'])
  })

  test('gives the same objects for the same input', () => {
    expect(JSON.stringify(renderStages(EXAMPLE_INPUT))).toBe(JSON.stringify(renderStages(EXAMPLE_INPUT)))
  })

  test('renders no Job that loads songs when there is no corpus', () => {
    const { corpus: _, ...withoutCorpus } = EXAMPLE_INPUT

    expect(renderStages(withoutCorpus).at(-1)).toEqual({ name: 'ingest', objects: [] })
  })
})

describe('renderAll()', () => {
  test('renders both groups alike', () => {
    const named = (group: Group) =>
      OBJECTS.filter(object => object.metadata.namespace === group)
        .map(object => `${object.kind} ${object.metadata.name.replace(/-[0-9a-f]{10}$/, '')}`)
        .filter(name => !['Role agent', 'RoleBinding agent'].includes(name))

    expect(named('experiment')).toEqual(named('control'))
    expect(named('control')).toContain('StatefulSet database')
  })

  test('gives no two objects the same name', () => {
    const names = OBJECTS.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)

    expect(new Set(names).size).toBe(names.length)
  })

  test.each(OBJECTS)('labels $kind $metadata.name as ours, with its group and service', ({ metadata }) => {
    expect(metadata.labels).toMatchObject({
      'app.kubernetes.io/part-of': 'divergence',
      'app.kubernetes.io/managed-by': 'divergence',
      group: expect.stringMatching(/^(control|experiment|system)$/),
      service: expect.stringMatching(/^[a-z-]+$/),
    })
  })

  test('writes no password anywhere', () => {
    const written = CONTAINERS.flatMap(({ container }) => container.env ?? []).filter(
      each => /PASSWORD$/.test(each.name) && each.value !== undefined,
    )

    expect(written).toEqual([])
    expect(OBJECTS.filter(object => object.kind === 'Secret')).toEqual([])
  })

  test('refuses an image that was not published', () => {
    const input = { ...EXAMPLE_INPUT, images: { edge: 'registry/edge:1' } }

    expect(() => renderAll(input)).toThrow(
      "Cannot render a pod of image 'observability': it was not published",
    )
  })

  test('opens ports of the machine on the local cluster only', () => {
    const { corpus: _, ...input } = EXAMPLE_INPUT
    const nodePorts = (objects: readonly KubernetesObject[]) =>
      objects.flatMap(object =>
        ((object.spec as { ports?: { nodePort?: number }[] })?.ports ?? []).flatMap(
          port => port.nodePort ?? [],
        ),
      )

    expect(nodePorts(OBJECTS)).toEqual([30090, 30093, 30411, 30070, 30081, 30082])
    expect(nodePorts(renderAll({ ...input, facts: { ...input.facts, kind: 'context' } }))).toEqual([])
  })

  test('does not promise to load files of this machine into a cluster elsewhere', () => {
    const facts = { ...EXAMPLE_INPUT.facts, kind: 'context' as const }

    expect(() => renderAll({ ...EXAMPLE_INPUT, facts })).toThrow("Cannot load corpus 'openmsx-small'")
  })
})
