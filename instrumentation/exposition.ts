import { Registry } from 'prom-client'

/** Metrics as one scraper wants them. */
export type Exposition = { readonly contentType: string; readonly text: string }

/** A registry whose histograms may have exemplars; `expose` renders it in both formats. */
export function exemplarRegistry(): Registry {
  return new TypedRegistry(Registry.OPENMETRICS_CONTENT_TYPE) as unknown as Registry
}

/** Whether a scraper understands OpenMetrics: the only format that has exemplars. */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  return accept?.includes('application/openmetrics-text') ?? false
}

/**
 * Renders a registry in the format that is asked for. Exemplars come with OpenMetrics only.
 *
 * prom-client's own rendering as OpenMetrics renames every counter of the registry for good, so that the next one who asks
 * for plain text finds no `_total` any more. Here each metric is rendered by itself and left as it is.
 */
export async function expose(registry: Registry, accept: string | undefined): Promise<Exposition> {
  const open = wantsOpenMetrics(accept)
  const renderer = new TypedRegistry(
    open ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
  )
  const metrics = registry.getMetricsAsArray() as unknown as readonly Rendered[]
  const families = await Promise.all(
    metrics.map(metric => renderer.getMetricsAsString(open ? withFamilyName(metric) : metric)),
  )
  return { contentType: renderer.contentType, text: `${families.join('\n')}\n${open ? '# EOF\n' : ''}` }
}

/** What prom-client renders with; its declarations leave it out, and know of no format but the plain one. */
type Renderer = {
  readonly contentType: string
  readonly getMetricsAsString: (metric: Rendered) => Promise<string>
}
const TypedRegistry = Registry as unknown as new (contentType: string) => Renderer

type Values = { readonly name: string; readonly type: string }
type Rendered = { readonly get: () => Promise<Values>; readonly getForPromString?: () => Promise<Values> }

/** The name of a counter's family has no `_total`: the renderer adds it to each of its lines. */
function withFamilyName(metric: Rendered): Rendered {
  return {
    get: async () => {
      const values = await (metric.getForPromString?.() ?? metric.get())
      return values.type === 'counter' ? { ...values, name: values.name.replace(/_total$/, '') } : values
    },
  }
}
