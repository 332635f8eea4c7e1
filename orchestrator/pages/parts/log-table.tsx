import { raw } from 'hono/html'
import type { LogWindow } from '../log-lines.ts'

type LogTable = { id: string; stream: 'log' | 'console'; window: LogWindow; total: number; running: boolean }

/** A window of a log with a link for each line; without JavaScript the links at its ends turn the pages. */
export function LogTable({ id, stream, window, total, running }: LogTable) {
  const first = window.lines[0]?.number ?? 1
  const last = window.lines.at(-1)?.number ?? 0
  const size = Math.max(1, last - first + 1)
  const page = (line: number) => `/jobs/${id}?stream=${stream}&line=${Math.max(1, line)}#log`
  return (
    <section
      id="log"
      class="log"
      tabindex={0}
      aria-label={`${stream} of the job, ${total} lines`}
      data-job={id}
      data-stream={stream}
      data-first={first}
      data-last={last}
      data-end={window.end}
      data-running={String(running)}
    >
      {first > 1 ? (
        <p class="log-edge">
          <a href={page(1)}>First lines</a> <a href={page(first - size)}>Earlier lines</a>
        </p>
      ) : null}
      <ol class="lines" id="lines">
        <LogLines window={window} />
      </ol>
      {window.more ? (
        <p class="log-edge">
          <a href={page(last + 1)}>Later lines</a> <a href={page(total - size + 1)}>Last lines</a>
        </p>
      ) : null}
      {total === 0 ? <p class="dim">Nothing yet.</p> : null}
    </section>
  )
}

/** The lines alone, as the page's script asks for them. */
export function LogLines({ window }: { window: LogWindow }) {
  return (
    <>
      {window.lines.map(({ number, html, ours }) => (
        <li id={`L${number}`} value={number} class={ours ? 'ours' : undefined}>
          <a class="number" href={`#L${number}`} aria-label={`Line ${number}`}>
            {number}
          </a>
          <span class="text">{raw(html)}</span>
        </li>
      ))}
    </>
  )
}
