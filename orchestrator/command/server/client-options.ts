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

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
