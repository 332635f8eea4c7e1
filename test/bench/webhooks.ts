import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../images/package-root.ts'
import { startServeProcess } from '../serve-process.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'
import type { LoadOrder, LoadResult } from './webhook-load-child.ts'

const repository = 'octo/hello'
const secret = 'a-secret-of-forty-characters-or-so-in-all'
const warmUp = 3000
const deliveries = 5000
/** Of each process of load. */
const ahead = 1000
const sockets = 32
/** What the design asks a server to take. */
const wantedPerSecond = 1000

/**
 * Signed GitHub pushes of 8 KB over HTTP into `mayfly serve --role web`, with the Redis that it brings and its fsync for
 * each answer, from a process of load that is warm: as fast as it answers, and at a fixed rate. The server works on what it has
 * accepted at the same time. Each delivery has its own id and commit, and says `[skip ci]`, so that no clone is timed.
 */
export async function webhooks(place: BenchPlace, runs: number): Promise<Figure[]> {
  const main = await place.command()
  const server = await startServeProcess({ folder: await mkdtemp(join(place.folder, 'webhooks-')), main })
  let sent = 0
  const load = async (order: Pick<LoadOrder, 'count' | 'perSecond'>): Promise<LoadResult> => {
    const whole: LoadOrder = { url: server.url, repository, secret, first: sent, ahead, sockets, ...order }
    sent += ahead + order.count
    const result = await runLoad(whole)
    if (result.said['202 accepted'] !== order.count)
      throw new Error(`expected ${order.count} accepted deliveries, got ${JSON.stringify(result.said)}`)
    return result
  }
  try {
    await register(server.url)
    await load({ count: warmUp })
    const full: LoadResult[] = []
    const fixed: LoadResult[] = []
    for (let run = 0; run < runs; run++) {
      full.push(await load({ count: deliveries }))
      fixed.push(await load({ count: deliveries, perSecond: wantedPerSecond }))
    }
    const rate = { atLeast: wantedPerSecond }
    const late = { atMost: 50 }
    const at = `webhooks at ${wantedPerSecond}/s`
    return [
      row(`webhooks, ${sockets} sockets`, '/s', full, 'perSecond', rate),
      row(`webhooks, ${sockets} sockets, p50`, 'ms', full, 'p50'),
      row(`webhooks, ${sockets} sockets, p99`, 'ms', full, 'p99', late),
      row(`${at}, p50 from when each was due`, 'ms', fixed, 'p50'),
      row(`${at}, p99 from when each was due`, 'ms', fixed, 'p99', late),
    ]
  } finally {
    await server.stop()
  }
}

type Measured = 'perSecond' | 'p50' | 'p99'
type Bound = { atLeast: number } | { atMost: number }

function row(what: string, unit: string, results: readonly LoadResult[], key: Measured, target?: Bound) {
  const samples = results.map((result) => result[key])
  return figure({ what, unit, samples, ...(target === undefined ? {} : { target }) })
}

async function register(url: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/repositories`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      forge: 'github',
      name: repository,
      cloneUrl: 'http://127.0.0.1:9/octo/hello.git',
      secrets: { webhook: secret },
    }),
  })
  if (answer.status !== 201) throw new Error(`the repository was not registered: ${await answer.text()}`)
}

async function runLoad(order: LoadOrder): Promise<LoadResult> {
  const child = join(import.meta.dirname, 'webhook-load-child.ts')
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', child, JSON.stringify(order)], {
    cwd: packageRoot(),
    timeout: 120_000,
  })
  return JSON.parse(stdout) as LoadResult
}
