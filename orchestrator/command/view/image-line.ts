import { SingleBar } from 'cli-progress'
import { formatSize } from '../../../config/size.ts'
import type { ImageProgress } from '../../../images/image-progress.ts'
import type { StatusLine } from './status-line.ts'

export type ImageLine = { update(progress: ImageProgress): void; end(): void }

/** Progress of an image: a bar where a total is known, one line for each stage where there is no terminal. */
export function createImageLine(out: NodeJS.WriteStream, status: StatusLine, live: boolean): ImageLine {
  let bar: SingleBar | undefined
  let stage = ''
  const endBar = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    update(progress) {
      const text = describe(progress)
      const begins = text !== stage
      stage = text
      if (!live) {
        if (begins) out.write(`  image: ${text}\n`)
        return
      }
      if (begins) endBar()
      if ('total' in progress && progress.total !== undefined) {
        bar ??= startBar(out, status, text, progress.total)
        bar.update(progress.bytes)
      } else if (begins) status.show(`image: ${text}`)
    },
    end: endBar,
  }
}

function startBar(out: NodeJS.WriteStream, status: StatusLine, text: string, total: number): SingleBar {
  status.hide()
  const bar = new SingleBar({
    stream: out,
    format: `  ${text} {bar} {percentage}% | {value}/{total} | {eta_formatted}`,
    formatValue: (value, _options, type) =>
      type === 'value' || type === 'total' ? formatSize(value) : String(value),
    hideCursor: true,
    clearOnComplete: true,
    barsize: 30,
  })
  bar.start(total, 0)
  return bar
}

function describe(progress: ImageProgress): string {
  switch (progress.phase) {
    case 'waiting':
      return `waiting for process ${progress.pid}, which is at work on it`
    case 'checksum':
      return `fetching its checksum from ${progress.url}`
    case 'retry':
      return `trying again (${progress.attempt}): ${progress.reason}`
    case 'build':
      return progress.line.slice(0, 100)
    default:
      return progress.phase
  }
}
