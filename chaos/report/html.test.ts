import { describe, expect, test } from '@jest/globals'
import type { JudgeInput } from '../journal-entry.ts'
import { judge } from '../judgement/judge.ts'
import { CALM, inputOf, type Scenario, simulate } from '../judgement/simulation.ts'
import type { Outcome } from '../judgement/verdict.ts'
import { renderHtml } from './html.ts'
import { STYLE } from './style.ts'
import { HEADLINES } from './words.ts'

const scenario: Scenario = { ...CALM, rate: 30, baselineSeconds: 30, attackSeconds: 30, recoverySeconds: 20 }

/** A page about a run, and what it was made of. */
function page(changes: Partial<Scenario> = {}, input: Partial<JudgeInput> = {}) {
  const changed = { ...scenario, ...changes }
  const samples = simulate(changed)
  const judged = inputOf(changed, input)
  const verdict = judge(samples, judged)
  return { html: renderHtml(verdict, judged, samples, null), verdict, input: judged }
}

const VOID = new Set(['meta', 'hr', 'br'])

/** Tags that are not closed, or closed though not open: for pages that write every end tag, as this one does. */
function unbalanced(html: string): string[] {
  const open: string[] = []
  const wrong: string[] = []
  for (const [, end, name = '', rest = ''] of html.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|[^>"])*)>/g)) {
    if (end === '/') {
      if (open.pop() !== name) wrong.push(name)
    } else if (!rest.endsWith('/') && !VOID.has(name)) open.push(name)
  }
  return [...wrong, ...open]
}

describe('renderHtml()', () => {
  const slow: Partial<Scenario> = {
    disturb: (group, second) => (group === 'experiment' && second >= 0 ? { factor: 2.5 } : {}),
  }

  test.each<{ outcome: Outcome; changes: Partial<Scenario>; input?: Partial<JudgeInput> }>([
    { outcome: 'resilient', changes: {} },
    { outcome: 'diverged', changes: slow },
    { outcome: 'inconclusive', changes: { attackSeconds: 15 } },
    {
      outcome: 'invalid',
      changes: {},
      input: {
        load: { targetRate: 30, droppedIterations: 7, requests: { control: 2400, experiment: 2400 } },
      },
    },
  ])('says first and in words that a run is $outcome', ({ outcome, changes, input }) => {
    const { html, verdict } = page(changes, input)

    expect(verdict.verdict).toBe(outcome)
    expect(html).toContain(`<h1>${HEADLINES[outcome]}</h1>`)
    for (const { detail } of verdict.validity) {
      expect(html.replaceAll('\u00a0', ' ')).toContain(
        detail.replaceAll("'", '&#39;').replaceAll('"', '&quot;'),
      )
    }
  })

  test('is well-formed, with every id once and every reference to one kept', () => {
    const { html } = page(slow, {
      events: [{ atMs: inputOf(scenario).fault.beginMs, source: 'fault', text: 'begun' }],
    })

    expect(unbalanced(html)).toEqual([])
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const references = [...html.matchAll(/aria-labelledby="([^"]+)"/g)].flatMap(([, names = '']) =>
      names.split(' '),
    )
    const clips = [...html.matchAll(/url\(#([^)]+)\)/g)].map(([, id]) => id)
    expect([...references, ...clips].filter(id => !ids.includes(id))).toEqual([])
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/)
  })

  test('needs no network and no script, and is well under a megabyte', () => {
    const { html } = page(slow)

    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\((?!#)|https?:\/\/(?!www\.w3\.org\/)/)
    expect(html.length).toBeLessThan(300_000)
  })

  test('escapes hostile text wherever it comes from', () => {
    const hostile = `</style><script>alert(1)</script><img src=x onerror='alert("2")'>`
    const { html } = page(slow, {
      runId: hostile,
      experiment: { name: hostile, hypothesis: hostile, level: 'zone' },
      faults: [{ kind: hostile, targets: [hostile], effect: { proven: false, detail: hostile } }],
      events: [{ atMs: inputOf(scenario).fault.beginMs, source: 'cluster', service: hostile, text: hostile }],
      versions: { [hostile]: hostile },
    })

    expect(html).not.toMatch(/<script|<img/)
    expect(html.match(/<\/style>/g)).toHaveLength(1)
    expect(unbalanced(html)).toEqual([])
  })

  test('holds the numbers of the verdict', () => {
    const { html } = page(slow)
    const text = html.replaceAll('\u00a0', ' ')

    expect(/<p class="meaning">(.*?)<\/p>/.exec(text)?.[1]).toMatch(
      /^P95 latency rose to 2\.\d\d times \(acceptable: 1\.50\)\.$/,
    )
    expect(text).toMatch(/×2\.\d\d to ×2\.\d\d; margin ×1\.50/)
    expect(text).toMatch(
      /<td class="number">900<\/td><td class="number">0<\/td><td class="number success">100 %<\/td>/,
    )
    expect(text).toContain('exploratory, stands out')
    expect(text).toMatch(/Cliff’s delta \+0\.\d\d|Cliff’s delta \+1\.00/)
    expect(page().html).not.toContain('stands out')
    expect(text).toContain('divergence judge simulated')
    expect(text).toContain('seed 1, blocks')
  })

  test('is the same page for the same run, however many were drawn before', () => {
    expect(page(slow).html).toBe(page(slow).html)
  })

  test('says that nobody has counted how often the judge errs, and how to', () => {
    const { html, input } = page()

    expect(html).toContain('<dt>How often the judge errs</dt><dd>Not known')
    expect(html).toContain(`divergence calibrate runs/${input.runId}/experiment.yaml`)
  })

  test('tells a run without faults (A/A) by name', () => {
    expect(page({}, { faults: [] }).html).toContain('No fault was injected: this is an A/A run')
  })

  test('can be drawn for a run without samples', () => {
    const input = inputOf(scenario)
    const html = renderHtml(judge([], input), input, [], null)

    expect(html).toContain(HEADLINES.invalid)
    expect(html).not.toMatch(/NaN|undefined|Infinity/)
    expect(unbalanced(html)).toEqual([])
  })
})

describe('STYLE', () => {
  /** Variables of a theme by name. */
  const themes = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, body = '']) =>
    Object.fromEntries(
      [...body.matchAll(/--([\w-]+): (#[0-9a-f]+)/g)].map(([, name = '', colour = '']) => [name, colour]),
    ),
  )

  test('has a light theme, a dark one and one for paper, with the same colours named', () => {
    expect(themes).toHaveLength(3)
    const names = themes.map(theme => Object.keys(theme).sort())
    expect(names[1]).toEqual(names[0])
    expect(names[2]).toEqual(names[0])
  })

  test.each([
    ...['ink', 'ink-2', 'control', 'experiment', 'resilient', 'diverged', 'inconclusive', 'invalid'].flatMap(
      text => ['paper', 'raised'].map(background => [text, background] as const),
    ),
    ['ink-2', 'attack'] as const,
    ['ink-2', 'beyond'] as const,
    ['ink', 'attack'] as const,
  ])('text in %s on %s has the contrast that WCAG AA asks for, 4.5 to 1', (text, background) => {
    for (const theme of themes) expect(contrast(theme[text], theme[background])).toBeGreaterThanOrEqual(4.5)
  })

  test.each([
    ['control', 'attack'] as const,
    ['experiment', 'attack'] as const,
    ['diverged', 'beyond'] as const,
  ])('a line in %s on %s has the contrast that WCAG asks of graphics, 3 to 1', (line, background) => {
    for (const theme of themes) expect(contrast(theme[line], theme[background])).toBeGreaterThanOrEqual(3)
  })
})

/** Contrast ratio of two colours, `#rgb` or `#rrggbb`; WCAG 2.2, relative luminance. */
function contrast(one = '', other = ''): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(colour: string): number {
  const digits = colour.slice(1)
  const hex = digits.length === 3 ? [...digits].map(digit => digit + digit).join('') : digits
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map(start => {
    const value = Number.parseInt(hex.slice(start, start + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
