/** One number about one object. */
export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number }

/** A metric, and what each object of one kind contributes to it. */
export type Family<Subject> = {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: (subject: Subject) => readonly Sample[]
}

/** Labels that tell which object a sample is about; its values stand before all others. */
export type Identity = Readonly<Record<string, string>>

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' }
const escaped = (value: string): string =>
  value.replace(/[\\\n"]/g, character => ESCAPES[character] ?? character)

/** A sample in the Prometheus text format, without its line end. */
export function renderSample(name: string, identity: Identity, sample: Sample): string {
  const labels = Object.entries({ ...identity, ...sample.labels })
    .map(([label, value]) => `${label}="${escaped(value)}"`)
    .join(',')
  return `${name}{${labels}} ${sample.value}`
}

/** All samples of `families` about `subjects`, in the Prometheus text format. */
export function renderFamilies<Subject>(
  families: readonly Family<Subject>[],
  subjects: readonly Subject[],
  identityOf: (subject: Subject) => Identity,
): string {
  const identities = subjects.map(subject => ({ subject, identity: identityOf(subject) }))
  return families
    .map(family => {
      const lines = identities.flatMap(({ subject, identity }) =>
        family.samples(subject).map(sample => renderSample(family.name, identity, sample)),
      )
      return [
        `# HELP ${family.name} ${family.help}`,
        `# TYPE ${family.name} ${family.type}`,
        ...lines,
        '',
      ].join('\n')
    })
    .join('')
}

/** The only sample of a family, without labels of its own. */
export function one(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }]
}

/** A sample per possible state, 1 for the present one. */
export function states(label: string, all: readonly string[], present: string): readonly Sample[] {
  return all.map(state => ({ labels: { [label]: state }, value: state === present ? 1 : 0 }))
}
