import { AnsiUp } from 'ansi_up'
import { lineIndexName } from '../../runner/job/filenames.ts'
import { findLine } from '../../runner/logs/find-line.ts'
import type { JobLog } from '../http/logs/job-log.ts'
import { visibleText } from './visible-text.ts'

export type LogLine = { readonly number: number; readonly html: string; readonly ours: boolean }

export type LogWindow = { readonly lines: readonly LogLine[]; readonly end: number; readonly more: boolean }

/** A line that is longer is shown cut; the download has it whole. */
const longestLine = 8_000
const mostBytes = 2 * 1024 * 1024

/** Lines `first` to `first + count - 1` of a log, counted from 1, as safe HTML with its colours as classes. */
export async function readLines(log: JobLog, first: number, count: number): Promise<LogWindow> {
  const start = await findLine({ ...log, line: first }).catch(() => undefined)
  if (start === undefined) return { lines: [], end: 0, more: false }
  const { text, end, more } = await readText(log, start, count)
  const ansi = new AnsiUp()
  ansi.use_classes = true
  const lines = text.map((line, index) => {
    const ours = line.startsWith('[mayfly] ')
    const cut =
      line.length > longestLine ? `${line.slice(0, longestLine)} (cut: ${line.length} characters)` : line
    return { number: first + index, html: ansi.ansi_to_html(visibleText(cut)), ours }
  })
  return { lines, end, more }
}

async function readText(log: JobLog, start: number, count: number) {
  const chunks: Buffer[] = []
  let size = 0
  let breaks = 0
  for await (const chunk of log.files.stream(log.name, { start, end: start + mostBytes })) {
    const bytes = chunk as Buffer
    chunks.push(bytes)
    size += bytes.length
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) breaks++
    if (breaks > count) break
  }
  const all = Buffer.concat(chunks)
  const text: string[] = []
  let from = 0
  // Split as bytes: what is no UTF-8 becomes longer as text, and `end` is where the page's script goes on.
  while (text.length < count && from < all.length) {
    const lineBreak = all.indexOf(10, from)
    const end = lineBreak < 0 ? all.length : lineBreak
    text.push(all.toString('utf8', from, end))
    from = lineBreak < 0 ? end : end + 1
  }
  return { text, end: start + from, more: from < all.length || size >= mostBytes }
}

/** About how many lines a log has: exact to the 256 lines between two entries of its index. */
export async function countLines(log: JobLog): Promise<number> {
  try {
    const indexed = await log.files.size(lineIndexName(log.name))
    if (indexed === undefined) return 0
    const entries = Math.floor(indexed / 8)
    if (entries === 0) return 1
    let last = (entries - 1) * 256 + 1
    for (let line = last; (await findLine({ ...log, line })) !== undefined; line += 16) last = line
    for (let line = last; (await findLine({ ...log, line })) !== undefined; line++) last = line
    return last
  } catch {
    return 0
  }
}
