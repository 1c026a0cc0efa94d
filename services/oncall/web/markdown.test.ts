import { describe, expect, test } from '@jest/globals'
import { renderMarkdown } from './markdown.ts'

describe('renderMarkdown()', () => {
  test('makes headings, paragraphs, lists and code', () => {
    const text =
      '# One\n\nA line\nand `more`.\n- a **b**\n  goes on\n- c\n\n1. first\n2. second\n\n```sh\nls <x>\n```\n'

    expect(renderMarkdown(text).markup).toBe(
      '<h1>One</h1><p>A line and <code>more</code>.</p><ul><li>a <strong>b</strong> goes on</li><li>c</li></ul><ol><li>first</li><li>second</li></ol><pre tabindex="0"><code>ls &lt;x&gt;</code></pre>',
    )
  })

  test('links other runbooks, and nothing that is a script', () => {
    const { markup } = renderMarkdown('[a](Watchdog.md) [b](https://example.org/) [c](javascript:alert(1))')

    expect(markup).toContain('<a href="/runbooks/Watchdog" ')
    expect(markup).toContain('<a href="https://example.org/" ')
    expect(markup).not.toContain('javascript:')
  })

  test('shows markup as text', () => {
    expect(renderMarkdown('<script>alert(1)</script>').markup).toBe(
      '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>',
    )
  })
})
