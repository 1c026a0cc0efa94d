import { describe, expect, test } from '@jest/globals'
import type { JudgeInput } from '../journal-entry.ts'
import { CALM, inputOf } from '../judgement/simulation.ts'
import type { Verdict } from '../judgement/verdict.ts'
import { renderMarkdown } from './markdown.ts'

const input: JudgeInput = inputOf(
  { ...CALM, rate: 100 },
  {
    runId: '20260302-090000-zone-outage',
    events: [
      {
        atMs: 1_772_442_066_800,
        source: 'cluster',
        group: 'experiment',
        zone: 'a',
        text: 'node experiment-a NotReady',
      },
      {
        atMs: 1_772_442_060_000,
        source: 'fault',
        group: 'experiment',
        zone: 'a',
        text: 'zone-outage | begun <now>',
      },
    ],
  },
)

const verdict: Verdict = {
  verdict: 'diverged',
  aborted: false,
  reasons: ['P95 latency left its margin.'],
  signals: [
    {
      name: 'success_ratio',
      unit: 'ratio',
      control: 1,
      experiment: 0.9975,
      effect: -0.0025,
      low: -0.004,
      high: -0.001,
      margin: 0.01,
      primary: true,
      outcome: 'inside',
      censored: false,
      smallestVisible: -0.0015,
      blockSeconds: { baseline: 9, attack: 9 },
      disturbance: null,
    },
    {
      name: 'latency_p95',
      unit: 'milliseconds',
      control: 41.2,
      experiment: 10_000,
      effect: 240.1,
      low: 3,
      high: null,
      margin: 1.5,
      primary: true,
      outcome: 'outside',
      censored: true,
      smallestVisible: null,
      blockSeconds: { baseline: 9, attack: 9 },
      disturbance: { delaySeconds: 1, lengthSeconds: 6, chance: 0.015 },
    },
    {
      name: 'latency_p99',
      unit: 'milliseconds',
      control: null,
      experiment: null,
      effect: null,
      low: null,
      high: null,
      margin: 3,
      primary: false,
      outcome: 'no_data',
      censored: false,
      smallestVisible: null,
      blockSeconds: null,
      disturbance: null,
    },
  ],
  validity: [
    { check: 'enough data', ok: true, detail: 'plenty' },
    { check: 'load generator kept up', ok: false, detail: '3 never sent' },
  ],
  recovery: { fromFaultStartSeconds: 9, fromFaultEndSeconds: null },
}

describe('renderMarkdown()', () => {
  test('holds the same words and numbers as the page', () => {
    expect(renderMarkdown(verdict, input, [], null)).toBe(`# Diverged: zone-outage

**The attacked group diverged from its untouched twin.** P95 latency rose to at least 240.1 times (acceptable: 1.50).

Run \`20260302-090000-zone-outage\`, 2026-03-02 09:00:00 UTC.

**Expected.** A lost zone is not noticed.

**Done.** Both groups received the same 100 requests per second for 150 s, from the same instant. The experimental group was attacked: zone-outage on experiment-a, held for 60 s. The control group was left alone.

**Found.**

- P95 latency left its margin.

**How sure.** 1 of 2 checks on the run hold. A signal that stood exactly at its margin would be placed inside, or outside, by mistake in at most 1 run of 20. Four of five such runs would have shown a change of −0.15 pp in success ratio.

**How often the judge errs.** Not known: nobody has counted how often this judge raises a false alarm under this load, with these phases and margins. “divergence calibrate runs/20260302-090000-zone-outage/experiment.yaml” counts it over the runs without a fault.

## Signals

| Signal | Control | Experiment | Effect | 90 % interval | Margin | Cliff's delta | Outcome |
| --- | --- | --- | --- | --- | --- | --- | --- |
| success ratio | 100 % | 99.75 % | −0.25 pp | −0.40 pp to −0.10 pp | −1.00 pp | - | inside |
| p95 latency | 41.2 ms | ≥ 10,000 ms | ≥ ×240.1 | from ×3.00 up, without bound | ×1.50 | - | outside |
| p99 latency (exploratory) | no data | no data | unknown | without bounds | ×3.00 | - | no data |

Cliff's delta compares the values by second of the attack: +1, the experiment is always slower; 0, neither is. Exploratory, it decides nothing: of the signals that were not declared to decide, none is surely beyond its margin once it is corrected for how many are looked at (Benjamini-Hochberg, at most 5 % false ones).

## What happened when

Recovery: back inside the margins 9 s after the fault began; not seen back after it ended.

| After the fault | Where | What |
| --- | --- | --- |
| 0.0 s | experiment a | zone-outage \\| begun &lt;now> |
| +6.8 s | experiment a | node experiment-a NotReady |

## May it be believed?

- holds: enough data. plenty
- **failed**: load generator kept up. 3 never sent

## The numbers behind it

| Phase | Group | Requests | Failed | Success | p50, ms | p95, ms | p99, ms |
| --- | --- | --- | --- | --- | --- | --- | --- |
| baseline | control | 0 | 0 | - | - | - | - |
| baseline | experiment | 0 | 0 | - | - | - | - |
| attack | control | 0 | 0 | - | - | - | - |
| attack | experiment | 0 | 0 | - | - | - | - |
| recovery | control | 0 | 0 | - | - | - | - |
| recovery | experiment | 0 | 0 | - | - | - | - |

Load: 100 requests/s a group, 15,000 sent to control, 15,000 sent to experiment, 0 never sent. Seed 1. Compute it again with \`divergence judge 20260302-090000-zone-outage\`.
`)
  })

  test('lets no text of a person become markup', () => {
    const hostile = '[x](javascript:alert(1)) **b** <img src=x>\n# h `c`'
    const text = renderMarkdown(
      verdict,
      { ...input, experiment: { ...input.experiment, hypothesis: hostile } },
      [],
      null,
    )

    expect(text).toContain('\\[x\\](javascript:alert(1)) \\*\\*b\\*\\* &lt;img src=x> # h \\`c\\`')
  })
})
