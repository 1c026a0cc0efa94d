import { stringify } from 'yaml'
import type { KubernetesObject } from './manifests/object.ts'

/** The objects as one stream of YAML documents, fit for `kubectl apply -f -`. Generated passwords are not among them. */
export function toYaml(objects: readonly KubernetesObject[]): string {
  return objects
    .map(object => `---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`)
    .join('')
}
