import { isPeer, type What, whats } from './contender.ts'
import { formatValue } from './format-value.ts'
import { labels } from './labels.ts'
import type { StartResult } from './start-result.ts'

const width = 760
/** Where bars begin and where the longest may end, pixels. */
const left = 180
const right = width - 90
const top = 56
const rowHeight = 34
const barHeight = 20
/** Characters of the caption in one line. */
const captionWidth = 118

// A ground of its own, so that the page's need not be known; the second set of colours is for dark surroundings.
const style = `
  .ground { fill: #ffffff; stroke: #d0d7de }
  .bar { fill: #0969da }
  .peer { fill: #6e7781 }
  .grid { stroke: #d8dee4 }
  text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d }
    .bar { fill: #4493f8 }
    .peer { fill: #9198a1 }
    .grid { stroke: #2a313c }
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
  }`

/** Medians of the time to the first output, one machine at a time, as an SVG with bars on a logarithmic scale. */
export function startPicture({ host, rows }: StartResult): string {
  const bars = whats.flatMap((what) => {
    const row = rows.find((one) => one.what === what && one.at_once === 1 && one.figure === 'first_byte')
    return row === undefined ? [] : [{ what, seconds: row.median, n: row.n }]
  })
  const scale = logScale(bars.map(({ seconds }) => seconds))
  const bottom = top + bars.length * rowHeight
  const caption = wrap(`Medians on a logarithmic scale, by npm run bench:start on ${host}.`)
  const height = bottom + 34 + caption.length * 15
  const told = bars.map(({ what, seconds }) => `${labels[what]} ${formatValue(seconds, 's')} s`).join(', ')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeXml(heading)}</title>`,
    `<desc id="desc">${escapeXml(`Medians in seconds, shorter is better: ${told}. ${host}.`)}</desc>`,
    `<style>${style}\n</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    `<text class="title" x="20" y="30">${escapeXml(heading)}</text>`,
    ...scale.decades.map((decade) => gridLine(decade, scale.x(decade), bottom)),
    ...bars.map((bar, index) => barOf(bar, top + index * rowHeight, scale.x(bar.seconds))),
    ...caption.map(
      (line, index) => `<text class="small" x="20" y="${bottom + 36 + index * 15}">${escapeXml(line)}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n')
}

const heading = 'From asking for a machine to the first output of its first command'

type Scale = { readonly decades: readonly number[]; readonly x: (seconds: number) => number }

/** From the decade below the shortest to the one above the longest; a bar always has a length. */
function logScale(values: readonly number[]): Scale {
  const first = Math.ceil(Math.log10(Math.min(...values, 1))) - 1
  const last = Math.max(Math.ceil(Math.log10(Math.max(...values, 1))), first + 1)
  const decades = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
  const x = (seconds: number) => left + ((Math.log10(seconds) - first) / (last - first)) * (right - left)
  return { decades, x: (seconds) => Math.round(x(seconds) * 10) / 10 }
}

function gridLine(decade: number, x: number, bottom: number): string {
  return [
    `<line class="grid" x1="${x}" y1="${top - 8}" x2="${x}" y2="${bottom}"/>`,
    `<text class="small" x="${x}" y="${bottom + 15}" text-anchor="middle">${Number(decade.toPrecision(1))} s</text>`,
  ].join('')
}

type Bar = { readonly what: What; readonly seconds: number }

function barOf({ what, seconds }: Bar, y: number, end: number): string {
  const middle = y + barHeight / 2 + 4.5
  const colour = isPeer(what) ? 'peer' : 'bar'
  const length = Math.round((end - left) * 10) / 10
  return [
    `<text x="${left - 10}" y="${middle}" text-anchor="end">${escapeXml(labels[what])}</text>`,
    `<rect class="${colour}" x="${left}" y="${y}" width="${length}" height="${barHeight}" rx="2"/>`,
    `<text x="${end + 8}" y="${middle}">${formatValue(seconds, 's')} s</text>`,
  ].join('')
}

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1) ?? ''} ${word}`.trim()
    if (lines.length === 0 || longer.length > captionWidth) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
