import { LABELS } from '../topology.ts'
import type { Settings } from './settings.ts'

/** On everything that can carry tags: by `product` a bill tells the lab from the rest, and what is left over is found. */
export function tags({ name }: Pick<Settings, 'name'>, what: string): Record<string, string> {
  return { ...productTags({ name }), Name: `${name}-${what}` }
}

/** Tags of what others make for us: instances, volumes, network interfaces. */
export function productTags({ name }: Pick<Settings, 'name'>): Record<string, string> {
  return { product: LABELS.product, cluster: name }
}
