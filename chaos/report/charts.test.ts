import { describe, expect, test } from '@jest/globals'
import { type ChartSpec, drawChart } from './charts.ts'

const spec: ChartSpec = {
  id: 'chart-x',
  title: 'A <title>',
  description: 'What it shows.',
  format: value => `${value}`,
  scale: 'latency',
  lines: { control: [20, 22, 21, 20], experiment: [20, null, 900, 30] },
  firstSecond: -2,
  phases: { baseline: { from: -2, to: 0 }, attack: { from: 0, to: 1 }, recovery: { from: 1, to: 2 } },
}
/** Labels of the vertical axis of the wide drawing, from the bottom up. */
const ticks = (changes: Partial<ChartSpec>) => {
  const wide = drawChart({ ...spec, ...changes }).markup.split('class="chart narrow"')[0] ?? ''
  return [...wide.matchAll(/text-anchor="end"[^>]*>([^<]*)</g)].map(([, text]) => Number(text))
}

describe('drawChart()', () => {
  test('draws for wide and for narrow pages, each with a name and a description of its own', () => {
    const { markup } = drawChart(spec)

    expect(markup.match(/<svg class="chart (wide|narrow)"/g)).toEqual([
      '<svg class="chart wide"',
      '<svg class="chart narrow"',
    ])
    expect(markup).toContain('<title id="chart-x-narrow-title">A &lt;title&gt;</title>')
    expect(markup).toContain('<desc id="chart-x-wide-desc">What it shows.</desc>')
  })

  test('colours lines and the attack by variables only, so that one drawing serves both themes', () => {
    const { markup } = drawChart(spec)

    for (const colour of ['--control', '--experiment', '--attack', '--attack-edge'])
      expect(markup).toContain(`var(${colour})`)
    // What the library paints in a colour of its own has no width or is never seen.
    const visible = markup.replace(
      /stroke="#\w+" stroke-width="0"|<path d=""[^>]*>|<clipPath.*?<\/clipPath>/g,
      '',
    )
    expect(visible).not.toMatch(/(fill|stroke)="#/)
  })

  test('leaves a gap where nothing was measured', () => {
    const path = /d="([^"]*)"[^>]*var\(--experiment\)/.exec(drawChart(spec).markup)?.[1]

    expect(path?.match(/M/g)).toHaveLength(2)
  })

  test('marks a second that stands alone between two gaps', () => {
    const marks = (experiment: readonly (number | null)[]) =>
      drawChart({ ...spec, lines: { control: [], experiment } }).markup.match(
        /<path d="M1 0A1 1[^>]*var\(--experiment\)/g,
      )

    expect(marks([20, null, 900, null])).toHaveLength(4)
    expect(marks([20, 21, 900, 30])).toBeNull()
  })

  test.each<{ title: string; changes: Partial<ChartSpec>; expected: number[] }>([
    { title: 'latencies over decades', changes: {}, expected: [20, 50, 100, 200, 500, 1000] },
    {
      title: 'latencies close together',
      changes: { lines: { control: [21], experiment: [34] } },
      expected: [20, 50],
    },
    {
      title: 'ratios without a failure',
      changes: { scale: 'ratio', lines: { control: [1], experiment: [1] } },
      expected: [0.99, 0.995, 1],
    },
    {
      title: 'ratios with some',
      changes: { scale: 'ratio', lines: { control: [1], experiment: [0.83] } },
      expected: [0.8, 0.9, 1],
    },
    {
      title: 'ratios down to nothing',
      changes: { scale: 'ratio', lines: { control: [1], experiment: [0] } },
      expected: [0, 0.5, 1],
    },
    {
      title: 'counts',
      changes: { scale: 'count', lines: { control: [100], experiment: [87] } },
      expected: [0, 50, 100],
    },
    {
      title: 'no data',
      changes: { lines: { control: [], experiment: [null] } },
      expected: expect.any(Array) as never,
    },
  ])('has round numbers on its axis: $title', ({ changes, expected }) => {
    expect(ticks(changes)).toEqual(expected)
  })
})
