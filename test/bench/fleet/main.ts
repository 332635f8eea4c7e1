import { writeFile } from 'node:fs/promises'
import { ConfigError } from '../../../config/errors.ts'
import { describeHost } from '../describe-host.ts'
import { fleetTable } from './fleet-table.ts'
import { type FleetOptions, readFleetOptions } from './read-fleet-options.ts'
import { runFleet } from './run-fleet.ts'

/**
 * `npm run bench:fleet [-- --hosts N] [-- --jobs N] [-- --kill PERCENT] [-- --freeze PERCENT] [-- --seed N]
 * [-- --json FILE] [-- --profile FOLDER]`: hosts with machines in memory on one real Redis, of which some are killed and some stand still on
 * the way. Ends with 1 where a job was lost or came to a verdict twice.
 */
try {
  await bench(readFleetOptions(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}

async function bench(options: FleetOptions): Promise<void> {
  const description = await describeHost(undefined)
  process.stdout.write(`${description}\n\n`)
  const started = performance.now()
  const say = (line: string) =>
    void process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}\n`)
  const times = { lock: 15_000, stalledCheck: 5000, heartbeat: 5000, stale: 20_000, frozen: 45_000 }
  const outcome = await runFleet({ ...options, times, say })
  process.stdout.write(fleetTable(outcome))
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ host: description, options, ...outcome }, null, 2)}\n`)
  if (outcome.lost.length + outcome.doubled.length + outcome.left.length > 0) process.exitCode = 1
}
