import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type { z } from 'zod'
import { ConfigError } from '../../../config/errors.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { jobSchema } from '../../http/schemas/build-schemas.ts'
import { type HostOptions, withHostOptions } from '../host-options.ts'
import { isLocalJob } from '../run/local-build-id.ts'
import { type ClientOptions, openClient, withClientOptions } from './client-options.ts'
import { runSsh } from './run-ssh.ts'

type ShownJob = z.output<typeof jobSchema>
type Options = ClientOptions & HostOptions & { readonly identity?: string; readonly end?: true }

const endedStates = ['passed', 'failed', 'errored', 'timed-out', 'cancelled', 'skipped']
const pollMs = 1000
/** After its verdict a machine is opened within this time, or not at all. */
const openMs = 30_000

/** `mayfly debug JOB`: walks into the kept machine of a job, with OpenSSH's client. */
export function debugCommand(): Command {
  const command = new Command('debug').description('open SSH into the kept machine of a job that failed')
  return withHostOptions(withClientOptions(command))
    .argument('<job>')
    .argument('[command...]', 'what to run there instead of a shell')
    .option('-i, --identity <file>', 'private key to log in with (default: what ssh would use)')
    .option('--end', 'end the machine instead')
    .action(debug)
}

async function debug(id: string, command: string[], options: Options): Promise<void> {
  if (options.server === undefined && isLocalJob(id)) {
    const { end = false, data, config } = options
    const { debugLocal } = await import('./debug-local.ts')
    process.exitCode = await debugLocal({ id, command, end, data, config })
    return
  }
  if (options.end) {
    await openClient(options).send('POST', `/jobs/${encodeURIComponent(id)}/release`)
    return
  }
  const { host, port, hostKey } = await untilOpen(openClient(options), id)
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-debug-'))
  try {
    const known = join(folder, 'known_hosts')
    // The server told the key of its gateway over a connection that we trust: nobody has to say yes to it.
    await writeFile(known, `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`)
    const flags = ['-o', `UserKnownHostsFile=${known}`, '-o', 'StrictHostKeyChecking=yes', '-p', String(port)]
    const identity = options.identity === undefined ? [] : ['-i', options.identity]
    const args = [...flags, ...identity, `${id}@${host}`, ...(command.length > 0 ? ['--', ...command] : [])]
    process.exitCode = await runSsh(args)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * The gateway of a job whose machine is open. Waits while it runs and lets nobody in, and a moment after its end, for its
 * machine is opened after the verdict was told.
 */
async function untilOpen(client: ApiClient, id: string): Promise<NonNullable<ShownJob['visit']>> {
  let told = false
  const asked: Asked = {}
  for (;;) {
    const job = await client.get<ShownJob>(`/jobs/${encodeURIComponent(id)}`)
    const { hold } = job
    if (hold?.state === 'held' && Date.parse(hold.until) > Date.now()) return hold.gateway
    if (job.visit !== undefined) return job.visit
    if (hold?.state === 'parked') await resume(client, id, hold, asked)
    else if (hold !== undefined && hold.state !== 'resuming') {
      const why = hold.state === 'held' ? 'its time is over' : hold.why
      throw new ConfigError(`expected a job whose machine is kept, found one whose is not: ${why}`)
    }
    if (hold !== undefined) {
      await sleep(pollMs)
      continue
    }
    const isEnded = endedStates.includes(job.state)
    if (isEnded && Date.now() - Date.parse(job.ended ?? '') > openMs) {
      throw new ConfigError(
        `expected a job whose machine is kept, found one that ${job.state} and was not kept`,
        {
          hint: 'say `debug: { on: failure }` in its pipeline file, and run it again',
        },
      )
    }
    if (!isEnded && !told) process.stderr.write(`job ${id} is ${job.state}; waiting for its verdict\n`)
    told = true
    await sleep(pollMs)
  }
}

type Asked = { at?: number; why?: string | undefined }

/** Asks for the parked machine once, and gives up when no host has taken it by then. */
async function resume(
  client: ApiClient,
  id: string,
  hold: Extract<ShownJob['hold'], { state: 'parked' }>,
  asked: Asked,
): Promise<void> {
  if (asked.at === undefined) {
    process.stderr.write(`resuming the machine that was parked at ${hold.parked}\n`)
    asked.at = Date.now()
    asked.why = hold.why
    await client.send('POST', `/jobs/${encodeURIComponent(id)}/resume`)
    return
  }
  // What is said of an earlier try is no answer.
  const isAnswered = hold.why !== undefined && hold.why !== asked.why
  if (!isAnswered && Date.now() - asked.at < openMs) return
  throw new ConfigError(
    `the machine stays parked: ${hold.why ?? 'no host with `debug:` in its host file has taken it'}`,
  )
}
