const colours: Readonly<Record<string, string>> = {
  passed: '#2a7d3f',
  failed: '#b3261e',
  errored: '#8a4b08',
  'timed-out': '#8a4b08',
  cancelled: '#5f6368',
  skipped: '#5f6368',
  running: '#1f5fa8',
}

/** About what a letter of the badge's font takes, in pixels; a badge is no place for exact type. */
const letter = 6.6
const padding = 10

/** Two words on two grounds: what, and how it ended. */
export function badgeSvg(what: string, state: string): string {
  const left = Math.round(what.length * letter) + padding
  const right = Math.round(state.length * letter) + padding
  const width = left + right
  const text = (words: string, x: number) => `<text x="${x}" y="14">${escapeXml(words)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${escapeXml(what)}: ${escapeXml(state)}">
<title>${escapeXml(what)}: ${escapeXml(state)}</title>
<rect width="${left}" height="20" fill="#3c4043"/><rect x="${left}" width="${right}" height="20" fill="${colours[state] ?? '#5f6368'}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(what, left / 2)}${text(state, left + right / 2)}</g>
</svg>
`
}

function escapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '<': '&lt;',
    '>': '&gt;',
    '&': '&amp;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/\p{Cc}/gu, '').replace(/[<>&"']/g, (character) => named[character] ?? '')
}
