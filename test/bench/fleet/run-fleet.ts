import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTending } from '../../../orchestrator/queue/start-tending.ts'
import { startRedis } from '../../orchestrator/real-redis.ts'
import { createFate } from './create-fate.ts'
import { type FleetOutcome, weighFleet } from './fleet-outcome.ts'
import { planFleet } from './fleet-plan.ts'
import type { FleetTimes } from './fleet-times.ts'
import { followBooks } from './follow-books.ts'
import { type HostProcess, loadHosts } from './host-process.ts'
import type { HostsOrder } from './hosts-child.ts'
import { keysLeft } from './keys-left.ts'
import { openInstallation, prefix } from './open-installation.ts'
import { createPusher } from './push-builds.ts'
import type { FleetOptions } from './read-fleet-options.ts'

type RunFleet = Omit<FleetOptions, 'json'> & {
  readonly times: FleetTimes
  readonly say: (line: string) => void
}

/** Without the end of a job for so long, what has not ended by then counts as lost. */
const stuckMs = 120_000
const lookMs = 100

/** Has a fleet of hosts run all jobs of a plan on a Redis of its own, while some of them die, and reads the books. */
export async function runFleet(options: RunFleet): Promise<FleetOutcome> {
  const { times, say } = options
  const plan = planFleet(options)
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-fleet-'))
  const server = await startRedis()
  const place = { socket: server.socket, folder, staleMs: times.stale }
  const pusher = createPusher(plan)
  const installation = await openInstallation(place, pusher.readFile)
  const processes = new Map<number, HostProcess>()
  const load = async (index: number, names: readonly string[]) => {
    const order: HostsOrder = { ...place, names, times, seed: options.seed * 1000 + index }
    const isWatched =
      index === plan.processes.findIndex(({ dies, freezes }) => (dies ?? freezes) === undefined)
    processes.set(index, await loadHosts(order, isWatched ? options.profile : undefined))
  }
  const { redis, log } = installation
  const tending = startTending({
    redis,
    prefix,
    queue: installation.parts.queue,
    log,
    everyMs: times.heartbeat,
  })
  try {
    const books = followBooks(installation.redis)
    let pushing = pusher.push(installation, 0)
    await pushing
    say(`${pusher.jobs.size} jobs are in line`)
    for (const [index, { names }] of plan.processes.entries()) await load(index, names)
    say(`${options.hosts} hosts are up`)
    for (const one of processes.values()) one.go()
    const fate = createFate({ plan, processes, load, books, times, say })
    let moved = Date.now()
    let before = 0
    while (books.ended() < options.jobs || fate.isOpen()) {
      await books.read()
      // Beside all else, so that it does not hold up what befalls the hosts.
      pushing = pushing.then(() => pusher.push(installation, books.ended()))
      await fate.befall(books.ended())
      if (books.ended() > before) {
        if (Math.floor((books.ended() * 20) / options.jobs) > Math.floor((before * 20) / options.jobs))
          say(`${books.ended()} jobs have ended`)
        before = books.ended()
        moved = Date.now()
      }
      if (Date.now() - moved > stuckMs + times.frozen) break
      await Promise.all([sleep(lookMs), Promise.race([sleep(lookMs), pushing])])
    }
    await Promise.all([...processes.values()].map((one) => one.end()))
    await installation.parts.queue.tend()
    await books.read()
    const left = await keysLeft(installation.redis)
    return weighFleet({ plan, jobs: pusher.jobs, books: books.lines(), left, killed: fate.killedHosts() })
  } finally {
    await Promise.all([...processes.values()].map((one) => one.kill()))
    await tending.close()
    await installation.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
