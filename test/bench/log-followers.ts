import type { BenchPlace } from './bench-place.ts'
import { startChild } from './child.ts'
import { type Figure, figure } from './figure.ts'
import type { FollowersOrder, FollowersResult } from './followers-child.ts'
import type { LogServerOrder, LogServerResult, LogServerRunning } from './log-server-child.ts'

const followers = 500
/** For the followers to connect before the first byte. */
const silentMs = 5000

/**
 * A job's log from its machine's stream to the disk, in a server that sends it to 500 followers at the same time, who
 * are a process of their own. A fake machine prints it, so that no guest is timed; all else is the server as it runs,
 * web and worker in one process.
 */
export async function logFollowers({ logBytes: bytes }: BenchPlace, runs: number): Promise<Figure[]> {
  const order: LogServerOrder = { bytes, silentMs }
  const server = startChild('log-server-child.ts', order)
  const results: LogServerResult[] = []
  const alone: LogServerResult[] = []
  const rates: number[] = []
  try {
    const run = async (count: number) => {
      server.tell('run')
      const { url, job } = await server.next<LogServerRunning>()
      const started = performance.now()
      const stopFollowing = await follow({ url: `${url}/api/v1/jobs/${job}/log/follow`, count })
      if (performance.now() - started > silentMs)
        throw new Error(`expected ${count} followers within ${silentMs} ms, the job prints already`)
      const result = await server.next<LogServerResult>()
      return { result, received: await stopFollowing() }
    }
    await run(1)
    for (let index = 0; index < runs; index++) {
      alone.push((await run(1)).result)
      const { result, received } = await run(followers)
      if (received.lost > 0) throw new Error(`${received.lost} followers lost their connection`)
      results.push(result)
      rates.push(received.bytes / 1e6 / (bytes / 1e6 / result.megabytesPerSecond))
    }
  } finally {
    await server.end()
  }
  const size = `log of ${Math.round(bytes / 1e6)} MB`
  const speeds = (of: readonly LogServerResult[]) => of.map(({ megabytesPerSecond }) => megabytesPerSecond)
  const grown = results.map(({ memoryBefore, memoryPeak }) => memoryPeak - memoryBefore)
  const target = { atLeast: 100 }
  const withAll = `with ${followers} followers`
  return [
    figure({ what: `${size} to disk, one follower`, unit: 'MB/s', target, samples: speeds(alone) }),
    figure({ what: `${size} to disk, ${withAll}`, unit: 'MB/s', target, samples: speeds(results) }),
    figure({ what: `${size}, sent to followers meanwhile`, unit: 'MB/s', samples: rates }),
    figure({
      what: `${size}, server's memory before, ${withAll}`,
      unit: 'MiB',
      samples: results.map(({ memoryBefore }) => memoryBefore),
    }),
    figure({ what: `${size}, memory grown by at most, ${withAll}`, unit: 'MiB', samples: grown }),
  ]
}

async function follow(order: FollowersOrder): Promise<() => Promise<FollowersResult>> {
  const child = startChild('followers-child.ts', order)
  await child.nextLine()
  return async () => {
    const result = child.next<FollowersResult>()
    await child.end()
    return await result
  }
}
