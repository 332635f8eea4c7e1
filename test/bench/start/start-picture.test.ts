import { describe, expect, it } from 'vitest'
import { aResult } from './a-result.ts'
import { startPicture } from './start-picture.ts'

const bars = (svg: string) =>
  [...svg.matchAll(/<rect class="(?:bar|peer)" x="\d+" y="\d+" width="([\d.]+)"/g)].map((match) =>
    Number(match[1]),
  )

const at = (first_byte: number) =>
  ({ at_once: 1, figure: 'first_byte', unit: 's', median: first_byte }) as const

describe('the picture of a run', () => {
  const svg = startPicture(aResult)

  it('has a bar for each way to start one machine, and its median beside it', () => {
    expect(bars(svg)).toHaveLength(3)
    for (const text of ['>cold boot<', '>10.0 s<', '>template<', '>2.00 s<', '>packer (QEMU)<', '>20.0 s<'])
      expect(svg).toContain(text)
    expect(svg).not.toContain('8.25')
  })

  it('says the same in words, and on which host', () => {
    expect(svg).toMatch(/<svg [^>]*role="img" aria-labelledby="title desc">/)
    const description = /<desc id="desc">(.*)<\/desc>/.exec(svg)?.[1]
    expect(description).toContain('cold boot 10.0 s, template 2.00 s, packer (QEMU) 20.0 s')
    expect(description).toContain('AMD &lt;EPYC&gt;')
  })

  it('is longer by the same length for each factor of ten', () => {
    const range = { min: 1, max: 1, n: 1 }
    const rows = [
      { what: 'cold', ...at(10), ...range },
      { what: 'template', ...at(1), ...range },
      { what: 'pool', ...at(0.1), ...range },
    ] as const
    const [long = 0, middle = 0, short = 0] = bars(startPicture({ host: 'h', rows }))
    expect(long - middle).toBeCloseTo(middle - short, 0)
    expect(short).toBeGreaterThan(0)
    expect(long).toBeGreaterThan(middle)
  })

  it('is the same for the same rows, and needs nothing from elsewhere', () => {
    expect(startPicture(aResult)).toBe(svg)
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|<script/)
  })

  it('has no bar where nothing was timed one at a time', () => {
    expect(bars(startPicture({ host: 'h', rows: [] }))).toEqual([])
    expect(startPicture({ host: 'h', rows: [] })).not.toMatch(/NaN|Infinity/)
  })
})
