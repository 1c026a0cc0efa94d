import { describe, expect, test } from '@jest/globals'
import { html, raw } from './markup.ts'

describe('html()', () => {
  test('escapes what is put in, in elements and in attributes', () => {
    const hostile = `"><script>alert('&')</script>`

    expect(html`<a title="${hostile}">${hostile}</a>`.markup).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;">&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</a>',
    )
  })

  test('leaves markup as it is, joins lists and drops null', () => {
    const items = ['a', 'b'].map(item => html`<li>${item}</li>`)

    expect(html`<ul>${items}</ul>${null}${raw('<hr>')}${3}`.markup).toBe('<ul><li>a</li><li>b</li></ul><hr>3')
  })

  test('keeps a number and its unit on one line', () => {
    expect(html`${'90 % of 12 ms in 5 s, 5 seconds'}`.markup).toBe(
      '90\u00a0% of 12\u00a0ms in 5\u00a0s, 5 seconds',
    )
  })
})
