import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { ConfigError } from '../../../config/errors.ts'
import { formatSize } from '../../../config/size.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { cordonInWords } from '../../hosts/cordon-in-words.ts'
import type { RemovedHost, ShownHost } from '../../hosts/fleet.ts'
import type { HostStatus } from '../../model/queue-view.ts'
import { readTime } from '../read-time.ts'
import { formatTable } from '../view/format-table.ts'
import { type ClientOptions, openClient, printJson, withClientOptions } from './client-options.ts'

type Listed = { readonly items: readonly HostStatus[] }
type CordonOptions = ClientOptions & { readonly why?: string }
type DrainOptions = CordonOptions & { readonly deadline?: string; readonly wait?: true }

/** ms between two looks whether a host is empty */
const lookMs = 2_000

/** `mayfly hosts …`: the hosts of an installation, and what they are to do. */
export function hostsCommand(): Command {
  const hosts = new Command('hosts').description('the hosts that run jobs: list, cordon, drain, remove')
  hosts.addCommand(
    withClientOptions(new Command('ls').description('list them')).action(list),
    // `mayfly hosts` alone lists them.
    { isDefault: true },
  )
  const add = (name: string, description: string) => {
    const command = withClientOptions(new Command(name).description(description)).argument(
      '<host>',
      'what it is called, or the name of a process there',
    )
    hosts.addCommand(command)
    return command
  }
  const why = ['--why <text>', 'one line for whoever asks why it takes no jobs'] as const
  add('show', 'what one has and holds, and what runs there').action(show)
  add('cordon', 'let it take nothing new, over any restart; what runs there goes on')
    .option(...why)
    .action(cordon)
  add('uncordon', 'let it take jobs again').action(uncordon)
  add('drain', 'cordon it, so that it becomes empty')
    .option(...why)
    .option('--deadline <time>', 'put what still runs after so long back in line, such as 30m')
    .option('--wait', 'end when nothing runs there any more')
    .action(drain)
  add('remove', 'take one that is silent off the list; its jobs are retried elsewhere').action(remove)
  return hosts
}

async function list(options: ClientOptions): Promise<void> {
  const found = await openClient(options).get<Listed>('/hosts')
  if (options.json) return printJson(found)
  const rows = found.items.map((host) => {
    const { name, cpus, memory, running, labels = [], version = '' } = host
    return [
      ...[name, stateOf(host), `${cpus.taken}/${cpus.total}`],
      `${formatSize(memory.taken)}/${formatSize(memory.total)}`,
      ...[String(running.length), labels.join(','), version],
    ]
  })
  const heads = ['HOST', 'STATE', 'CPUS', 'MEMORY', 'JOBS', 'LABELS', 'VERSION']
  process.stdout.write(formatTable(heads, rows))
}

function stateOf({ stale, cordon, pressure, awayUntil }: HostStatus): string {
  if (stale) return 'silent'
  if (cordon !== undefined) return cordon.drain === undefined ? 'cordoned' : 'draining'
  if (awayUntil !== undefined) return 'restarting'
  return pressure === undefined ? 'up' : 'short'
}

async function show(name: string, options: ClientOptions): Promise<void> {
  printJson(await openClient(options).get<ShownHost>(pathOf(name)))
}

async function cordon(name: string, options: CordonOptions): Promise<void> {
  const done = await openClient(options).send<ShownHost>('POST', `${pathOf(name)}/cordon`, {
    why: options.why,
  })
  tell(done, options)
}

async function uncordon(name: string, options: ClientOptions): Promise<void> {
  tell(await openClient(options).send<ShownHost>('POST', `${pathOf(name)}/uncordon`, {}), options)
}

async function drain(name: string, options: DrainOptions): Promise<void> {
  const { why, deadline, wait } = options
  const client = openClient(options)
  const ms = deadline === undefined ? undefined : readTime('--deadline', deadline)
  const done = await client.send<ShownHost>('POST', `${pathOf(name)}/drain`, { why, ms })
  tell(wait ? await untilEmpty(client, name) : done, options)
}

async function untilEmpty(client: ApiClient, name: string): Promise<ShownHost> {
  for (;;) {
    const shown = await client.get<ShownHost>(pathOf(name))
    if (shown.cordon === undefined) {
      throw new ConfigError(`expected ${shown.host} to stay cordoned, found that it takes jobs again`)
    }
    if (shown.processes.every(({ running }) => running.length === 0)) return shown
    await sleep(lookMs)
  }
}

async function remove(name: string, options: ClientOptions): Promise<void> {
  const done = await openClient(options).send<RemovedHost>('DELETE', pathOf(name))
  if (options.json) return printJson(done)
  const jobs = done.jobs.length === 0 ? 'it had no jobs' : `its jobs are lost: ${done.jobs.join(', ')}`
  process.stdout.write(`${name} is off the list; ${jobs}\n`)
}

function tell(shown: ShownHost, { json }: ClientOptions): void {
  if (json) {
    printJson(shown)
    return
  }
  const jobs = shown.processes.flatMap(({ running }) => running)
  const state = shown.cordon === undefined ? 'takes jobs' : cordonInWords(shown.cordon)
  const running = jobs.length === 0 ? 'nothing runs there' : `there run ${jobs.join(', ')}`
  process.stdout.write(`${shown.host}: ${state}; ${running}\n`)
}

function pathOf(name: string): string {
  return `/hosts/${encodeURIComponent(name)}`
}
