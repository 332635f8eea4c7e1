import { describe, expect, it } from 'vitest'
import { aResult } from './a-result.ts'
import { startMarkdown } from './start-markdown.ts'

describe('the Markdown of a run', () => {
  it('is a table with a line for each way and number at once', () => {
    expect(startMarkdown(aResult)).toBe(`Medians and ranges by \`npm run bench:start\` on ${aResult.host}.

| start | at once | n | guest runs, s | login, s | first output, s | private, MiB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| cold boot | 1 | 2 |  | 7.50 (7.00-8.00) | 10.0 (9.50-10.5) | 305 (300-310) |
| template | 1 | 1 | 0.12 | 1.50 | 2.00 | 90 |
| template | 8 | 1 | 0.50 | 6.00 | 8.25 | 90 |
| packer (QEMU) | 1 | 1 |  |  | 20.0 |  |
`)
  })
})
