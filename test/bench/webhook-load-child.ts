import { githubPush } from '../orchestrator/github-push.ts'
import { postDeliveries, quantile } from '../orchestrator/post-deliveries.ts'

/** What a process of load is told, as JSON in its first argument. */
export type LoadOrder = {
  readonly url: string
  readonly repository: string
  readonly secret: string
  /** The number of the first delivery; those that were sent before are duplicates. */
  readonly first: number
  /** Sent before the clock starts, as fast as they are answered, for this process to be warm as the server is. */
  readonly ahead: number
  readonly count: number
  readonly sockets: number
  readonly perSecond?: number | undefined
}

/** What it prints. Latencies in ms. */
export type LoadResult = {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly said: Readonly<Record<string, number>>
}

// Signed before the clock starts: what is measured is the server.
const { first, ahead, count, repository, secret, ...load } = JSON.parse(process.argv[2] ?? '') as LoadOrder
const pushes = Array.from({ length: ahead + count }, (_, index) =>
  githubPush({ repository, secret, number: first + index }),
)
await postDeliveries({ ...load, pushes: pushes.splice(0, ahead), perSecond: undefined })
const { ms, latencies, said } = await postDeliveries({ ...load, pushes })
const result: LoadResult = {
  perSecond: count / (ms / 1000),
  p50: quantile(latencies, 0.5),
  p99: quantile(latencies, 0.99),
  said,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
