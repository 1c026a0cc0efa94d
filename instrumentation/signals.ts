import signals from './signals.json' with { type: 'json' }

/** Every metric, label and bucket name; TypeScript, Python and k6 read the same file. */
export const SIGNALS = signals
export type MetricKey = keyof typeof signals.metrics
