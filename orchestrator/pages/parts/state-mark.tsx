const marks: Readonly<Record<string, string>> = {
  passed: '✔',
  failed: '✘',
  errored: '!',
  'timed-out': '◷',
  cancelled: '⊘',
  skipped: '-',
  running: '▶',
  claimed: '▶',
}

/** The mark of a state alone. */
export function stateSign(state: string): string {
  return marks[state] ?? '·'
}

/** A state as a word with a mark, so that its colour is never all that tells it. */
export function StateMark({ state }: { state: string }) {
  return (
    <span class={`state state-${state}`}>
      <span aria-hidden="true">{stateSign(state)}</span> {state}
    </span>
  )
}
