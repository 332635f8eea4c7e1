import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { ConfigError } from '../../../config/errors.ts'
import { type ApiClient, createApiClient } from '../../client/api-client.ts'

export type ClientOptions = { readonly server?: string; readonly token?: string; readonly json?: true }

const standardServer = 'http://127.0.0.1:8470'

/** The options of every command that talks to a server. */
export function withClientOptions(command: Command): Command {
  return command
    .option('--server <url>', `server to talk to (default: $MAYFLY_SERVER, else ${standardServer})`)
    .option('--token <token>', 'token (default: $MAYFLY_TOKEN, else what the file $MAYFLY_TOKEN_FILE holds)')
    .option('--json', 'print JSON')
}

export function openClient({ server, token }: ClientOptions): ApiClient {
  return createApiClient({
    server: server ?? (process.env.MAYFLY_SERVER || standardServer),
    token: token ?? (process.env.MAYFLY_TOKEN || tokenOfFile()),
  })
}

function tokenOfFile(): string | undefined {
  const file = process.env.MAYFLY_TOKEN_FILE
  if (!file) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new ConfigError(
      `MAYFLY_TOKEN_FILE: expected a file that can be read at ${file}, got ${String(cause)}`,
      {
        cause,
      },
    )
  }
}

/** JSON, which leaves DEL and the C1 controls as they are: a terminal would obey them. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2).replace(/[\u007f-\u009f]/g, escaped)
  process.stdout.write(`${text}\n`)
}

function escaped(control: string): string {
  return `\\u00${control.charCodeAt(0).toString(16)}`
}
