import type { ApiClient, ServerEvent } from '../../client/api-client.ts'
import { createTerminalText } from '../view/terminal-text.ts'

type FollowLog = {
  readonly client: ApiClient
  readonly job: string
  /** @defaultValue log */
  readonly stream?: 'log' | 'console'
  readonly signal: AbortSignal
  /** Gets text that a terminal may show. */
  readonly write: (text: string) => void
}

/** Hands on a job's log as it grows, until the attempt that runs now has ended or the signal is aborted. */
export async function followLog({ client, job, stream = 'log', signal, write }: FollowLog): Promise<void> {
  const clean = createTerminalText()
  const onEvent = ({ name, data }: ServerEvent) => {
    if (name === 'log') write(clean.push(Buffer.from((data as { text: string }).text)))
  }
  await client.follow(`/jobs/${encodeURIComponent(job)}/${stream}/follow`, onEvent, signal)
}
