import { userInfo } from 'node:os'
import { Command } from 'commander'
import { Scope } from '../../runner/scope.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { printJson } from './print-json.ts'
import { isLive } from './view/is-live.ts'
import { createStatusLine } from './view/status-line.ts'

type Options = HostOptions & { readonly json?: true }

/** `mayfly reindex`: the index in Redis from the archive. */
export function reindexCommand(): Command {
  const command = new Command('reindex')
    .description(
      'make what is missing or older in Redis from the archive; safe while servers run, and done again as often as you like',
    )
    .option('--json', 'print JSON')
  return withHostOptions(command).action(run)
}

async function run(options: Options): Promise<void> {
  const { host, dataFolder } = await openThisHost(options)
  // The server's libraries would cost every other command as much time as its own start.
  const [{ reindexHere }, { pino }] = await Promise.all([import('../serve/reindex-here.ts'), import('pino')])
  const status = createStatusLine(process.stderr, isLive(process.stderr) && !options.json)
  const scope = new Scope()
  try {
    const done = await reindexHere({
      ...{ host, dataFolder, env: process.env, uid: userInfo().uid, scope },
      log: pino({ level: process.env.MAYFLY_LOG_LEVEL ?? 'error' }, pino.destination(2)),
      onProgress: (count, all) => status.show(`${count} of ${all} builds`),
    })
    status.hide()
    if (options.json) return printJson(done)
    for (const problem of done.problems) process.stderr.write(`not read: ${problem}\n`)
    process.stdout.write(
      `${done.found} builds in the archive; put back: ${done.builds} builds, ${done.jobs} jobs, ${done.deliveries} deliveries, ${done.register} repositories, secrets, tokens and opt-ins\n`,
    )
  } finally {
    status.hide()
    await scope.close()
  }
}
