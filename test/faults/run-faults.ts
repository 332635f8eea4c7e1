import { setTimeout as sleep } from 'node:timers/promises'
import { allBuilds, type Books, checkJobs, checkLeftovers, keysOfLine } from './books.ts'
import { createChance } from './chance.ts'
import { faults } from './faults.ts'
import { type Installation, install, jobsOfDelivery } from './installation.ts'

type RunFaults = {
  readonly seed: number
  /** How many faults, and at least how many jobs they come over. */
  readonly faults: number
  readonly jobs: number
  /** Whose image and templates are used; both have to be there. */
  readonly sharedData: string
  readonly say: (line: string) => void
}

export type Outcome = Books & { readonly faults: number; readonly jobs: number; readonly folder: string }

/** Jobs that are wanted or run at any time. */
const atOnce = 6
const settleMs = 20 * 60_000

/** Breaks things at random while jobs run, mends them, lets all jobs end and checks the books. */
export async function runFaults(order: RunFaults): Promise<Outcome & { close: () => Promise<void> }> {
  const installation = await install(order.sharedData)
  try {
    return await breakAndCheck(order, installation)
  } catch (error) {
    await installation.close()
    throw error
  }
}

async function breakAndCheck(order: RunFaults, installation: Installation) {
  const { seed, say } = order
  const chance = createChance(seed)
  const shas: string[] = []
  let isOver = false
  const delivering = deliverAll({ installation, shas, order, isOver: () => isOver })
  let done = 0
  const started = performance.now()
  while (done < order.faults) {
    await sleep(300 + chance.number(3000))
    const name = chance.pick(Object.keys(faults))
    const did = await faults[name]?.(installation, chance)
    if (did !== true) continue
    done++
    say(`${seconds(started)} s  fault ${done}: ${name}`)
  }
  isOver = true
  await delivering
  for (const server of [installation.web, ...installation.workers]) if (!server.isUp()) await server.start()
  say(`${seconds(started)} s  ${shas.length} deliveries are on their way`)
  await settled(installation, shas.length)
  const { lost, doubled, jobs } = await checkJobs(installation, shas)
  const counts = new Map<string, number>()
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1)
  const verdicts = [...counts].map(([state, count]) => `${count} ${state}`)
  say(`${seconds(started)} s  verdicts: ${verdicts.join(', ')}`)
  for (const server of [...installation.workers, installation.web]) await server.stop()
  const orphaned = await checkLeftovers(installation, jobs)
  const { folder, close } = installation
  return { lost, doubled, orphaned, faults: done, jobs: jobs.length, folder, close }
}

type Delivering = {
  installation: Installation
  /** Commits of what was accepted; added to. */
  shas: string[]
  order: RunFaults
  isOver: () => boolean
}

/** As many as were asked for, and more while there are faults to come. */
async function deliverAll({ installation, shas, order, isOver }: Delivering): Promise<void> {
  while (shas.length * jobsOfDelivery < order.jobs || !isOver()) {
    const open = shas.length - (await endedBuilds(installation))
    if (open * jobsOfDelivery < atOnce) shas.push(await installation.deliver(shas.length + 1))
    else await sleep(500)
  }
}

async function endedBuilds(installation: Installation): Promise<number> {
  const builds = await allBuilds(installation)
  return builds.filter(({ state }) => !['waiting', 'queued', 'running'].includes(state)).length
}

/** Waits until every delivery has its builds and each of them has ended, and its statuses had time to be told. */
async function settled(installation: Installation, deliveries: number): Promise<void> {
  const end = Date.now() + settleMs
  while (Date.now() < end) {
    const builds = await allBuilds(installation)
    const isDone = builds.every(({ jobs }) =>
      jobs.every(({ state }) => !['queued', 'blocked', 'claimed', 'running'].includes(state)),
    )
    if (builds.length >= deliveries && isDone) break
    await sleep(1000)
  }
  // What a killed host had in hand is out of line once its locks have run out.
  const client = installation.redis.connect()
  while (Date.now() < end && (await keysOfLine(client)).length > 0) await sleep(1000)
  const told = () => installation.forge.received.length
  for (let before = -1; before !== told(); await sleep(5000)) before = told()
}

const seconds = (started: number) => ((performance.now() - started) / 1000).toFixed(0).padStart(4)
