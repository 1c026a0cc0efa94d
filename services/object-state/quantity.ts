/** Factors of the suffixes of Kubernetes quantities. */
const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/

/**
 * Value of a Kubernetes quantity such as `100m` (cores), `1.5Gi` (bytes) or `12e3`, in its base unit.
 *
 * @throws RangeError when it is not a quantity
 */
export function quantityValue(quantity: string): number {
  const [, digits, suffix = ''] = QUANTITY.exec(quantity) ?? []
  const factor = FACTORS[suffix]
  if (digits === undefined || factor === undefined) {
    throw new RangeError(`Cannot read quantity: current value is '${quantity}'`)
  }
  // Dividing by 1000 is exact where multiplying by 0.001 is not: 300m is 0.3.
  return factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor
}

/** Unit that kube-state-metrics names for a resource. */
export function resourceUnit(resource: string): 'core' | 'byte' | 'integer' {
  if (resource === 'cpu') return 'core'
  return /memory|storage|hugepages/.test(resource) ? 'byte' : 'integer'
}
