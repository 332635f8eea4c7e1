const marks: Readonly<Record<string, string>> = {
  passed: '✔',
  failed: '✘',
  errored: '!',
  'timed-out': '⧖',
  cancelled: '⊘',
  skipped: '-',
  running: '▶',
  claimed: '▶',
}

/** A state as a word with a mark, so that its colour is never all that tells it. */
export function StateMark({ state }: { state: string }) {
  return (
    <span class={`state state-${state}`}>
      <span aria-hidden="true">{marks[state] ?? '·'}</span> {state}
    </span>
  )
}
