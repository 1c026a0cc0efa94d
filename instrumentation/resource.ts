import type { Env, Place } from './settings.ts'

/**
 * What stands on every span of this process; OTEL_RESOURCE_ATTRIBUTES has the last word. Few attributes: Zipkin keeps them
 * with each single span.
 */
export function resourceAttributes(place: Place, env: Env): Readonly<Record<string, string>> {
  const { service, group, zone, node, pod, release } = place
  const attributes = {
    'service.name': service,
    'service.version': release,
    group,
    zone,
    'host.name': node,
    'service.instance.id': pod,
  }
  return { ...defined(attributes), ...attributesOf(env.OTEL_RESOURCE_ATTRIBUTES ?? '') }
}

/** `name=value` pairs with commas between them, percent-encoded, as OpenTelemetry's specification has them. */
function attributesOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').flatMap(pair => {
    const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
    return name === '' ? [] : [[name, decoded(value)] as const]
  })
  return Object.fromEntries(pairs)
}

/** A stray percent sign is no reason to run without traces. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Tags of every error event of this process: the labels that its metrics have. */
export function eventTags(place: Place): Readonly<Record<string, string>> {
  const { service, group, zone, node, pod } = place
  return defined({ service, group, zone, node, pod })
}

function defined(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const known = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(known)
}
