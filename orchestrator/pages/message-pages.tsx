import { Layout } from './layout.tsx'

/** For people without a session: a token is what they have. */
export function LoginPage({ problem }: { problem?: string | undefined }) {
  return (
    <Layout title="Log in">
      <h1>Log in</h1>
      {problem === undefined ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action="/login">
        <label>
          Token <input type="password" name="token" autocomplete="current-password" required />
        </label>
        <button type="submit">Log in</button>
      </form>
      <p class="dim">
        <code>mayfly tokens make NAME --scope read</code> prints one.
      </p>
    </Layout>
  )
}

/** What went wrong, in the words of the API's answer. */
export function ErrorPage({
  status,
  message,
  hint,
}: {
  status: number
  message: string
  hint: string | undefined
}) {
  return (
    <Layout title={String(status)}>
      <h1>{status}</h1>
      <p>{message}</p>
      {hint === undefined ? null : <p class="dim">{hint}</p>}
    </Layout>
  )
}

/** What a search found, each match a link to its line. */
export function SearchPage({
  job,
  stream,
  text,
  matches,
}: {
  job: string
  stream: string
  text: string
  matches: readonly { line: number; text: string }[]
}) {
  return (
    <Layout title="Search">
      <h1>Lines with {JSON.stringify(text)}</h1>
      <p>
        <a href={`/jobs/${job}?stream=${stream}`}>Back to the job</a>
      </p>
      {matches.length === 0 ? <p>There are none.</p> : null}
      <ol class="matches">
        {matches.map((match) => (
          <li value={match.line}>
            <a href={`/jobs/${job}?stream=${stream}&line=${Math.max(1, match.line - 10)}#L${match.line}`}>
              Line {match.line}
            </a>{' '}
            <code>{match.text}</code>
          </li>
        ))}
      </ol>
    </Layout>
  )
}
