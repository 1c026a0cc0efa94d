import type { Observability } from '../platform/manifests/input.ts'

/** What Prometheus and Alertmanager read. */
export function alertFiles(): Pick<Observability, 'rules' | 'alertmanager'> {
  return { rules: {}, alertmanager: '' }
}
