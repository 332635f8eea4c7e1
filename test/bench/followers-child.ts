import { get, type IncomingMessage } from 'node:http'

/** What it is told, as JSON in its first argument. */
export type FollowersOrder = { readonly url: string; readonly count: number }

/** What it prints when standard input ends: bytes of all followers, and of the one that got fewest. */
export type FollowersResult = { readonly bytes: number; readonly fewest: number; readonly lost: number }

// Many readers of one log as it grows, each on a connection of its own; says `ready` when all are connected.
const { url, count } = JSON.parse(process.argv[2] ?? '') as FollowersOrder
const received = new Array<number>(count).fill(0)
let lost = 0
await Promise.all(received.map((_, index) => follow(index)))
process.stdout.write('ready\n')
process.stdin.on('end', () => {
  const bytes = received.reduce((sum, one) => sum + one, 0)
  const result: FollowersResult = { bytes, fewest: Math.min(...received), lost }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
})
process.stdin.resume()

async function follow(index: number): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject)
  })
  if (answer.statusCode !== 200) throw new Error(`expected 200, got ${answer.statusCode}`)
  answer.on('data', (chunk: Buffer) => {
    received[index] = (received[index] ?? 0) + chunk.length
  })
  answer.on('error', () => lost++)
}
