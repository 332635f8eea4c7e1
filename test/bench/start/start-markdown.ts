import { crowds, whats } from './contender.ts'
import { formatValue } from './format-value.ts'
import { labels } from './labels.ts'
import { type FigureName, figureNames, type Row } from './row.ts'
import type { StartResult } from './start-result.ts'

const heads: Readonly<Record<FigureName, string>> = {
  running: 'guest runs, s',
  ssh: 'login, s',
  first_byte: 'first output, s',
  rss: 'RSS, MiB',
  pss: 'PSS, MiB',
  private: 'private, MiB',
}

/** A table to be pasted into a document: a line for each way and number at once, a median with its range in each cell. */
export function startMarkdown({ host, rows }: StartResult): string {
  const columns = figureNames.filter((name) => rows.some(({ figure }) => figure === name))
  const lines = whats.flatMap((what) =>
    crowds.flatMap((atOnce) => {
      const same = rows.filter((row) => row.what === what && row.at_once === atOnce)
      const first = same[0]
      return first === undefined
        ? []
        : [[labels[what], atOnce, first.n, ...columns.map((name) => cell(same, name))]]
    }),
  )
  const head = ['start', 'at once', 'n', ...columns.map((name) => heads[name])]
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [
    `Medians and ranges by \`npm run bench:start\` on ${host}.`,
    '',
    ...[head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n')
}

function cell(rows: readonly Row[], name: FigureName): string {
  const row = rows.find(({ figure }) => figure === name)
  if (row === undefined) return ''
  const [median, min, max] = [row.median, row.min, row.max].map((value) => formatValue(value, row.unit))
  return row.n === 1 ? `${median}` : `${median} (${min}-${max})`
}
