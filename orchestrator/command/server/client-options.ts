import type { Command } from 'commander'
import { type ApiClient, createApiClient } from '../../client/api-client.ts'

export type ClientOptions = { readonly server?: string; readonly token?: string; readonly json?: true }

const standardServer = 'http://127.0.0.1:8470'

/** The options of every command that talks to a server. */
export function withClientOptions(command: Command): Command {
  return command
    .option('--server <url>', `server to talk to (default: $MAYFLY_SERVER, else ${standardServer})`)
    .option('--token <token>', 'token (default: $MAYFLY_TOKEN)')
    .option('--json', 'print JSON')
}

export function openClient({ server, token }: ClientOptions): ApiClient {
  return createApiClient({
    server: server ?? (process.env.MAYFLY_SERVER || standardServer),
    token: token ?? (process.env.MAYFLY_TOKEN || undefined),
  })
}

/** JSON, which leaves DEL and the C1 controls as they are: a terminal would obey them. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2).replace(/[\u007f-\u009f]/g, escaped)
  process.stdout.write(`${text}\n`)
}

function escaped(control: string): string {
  return `\\u00${control.charCodeAt(0).toString(16)}`
}
