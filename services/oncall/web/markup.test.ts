import { describe, expect, test } from '@jest/globals'
import { html, raw, safeHref } from './markup.ts'

describe('html', () => {
  test('escapes what is put in, and nothing that is markup', () => {
    const { markup } =
      html`<p title="${'"><script>'}">${"it's <b>"} ${raw('<i>')}${null}${0}${[html`<li>${'&'}</li>`]}</p>`

    expect(markup).toBe('<p title="&quot;&gt;&lt;script&gt;">it&#39;s &lt;b&gt; <i>0<li>&amp;</li></p>')
  })
})

describe('safeHref()', () => {
  test.each([
    { address: 'https://example.org/runbook.md', expected: 'https://example.org/runbook.md' },
    { address: '/runs/1', expected: '/runs/1' },
    { address: 'javascript:alert(1)', expected: null },
    { address: ' javascript:alert(1)', expected: null },
    { address: 'data:text/html,<script>', expected: null },
    { address: '//evil.example', expected: null },
    { address: '/\\evil.example', expected: null },
    { address: 'not an address', expected: null },
    { address: undefined, expected: null },
  ])('of $address is $expected', ({ address, expected }) => {
    expect(safeHref(address)).toBe(expected)
  })
})
