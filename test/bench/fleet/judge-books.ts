import { endStates } from '../../../orchestrator/model/build.ts'
import type { BookLine } from './with-books.ts'

/** What should not be, each in a sentence; and how many attempts were made anew. */
export type Judgement = {
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  readonly retried: number
}

const ends: ReadonlySet<string> = new Set(endStates)

/** Whether each job came to one verdict, which its own run gave it. */
export function judgeBooks(jobs: Iterable<string>, books: readonly BookLine[]): Judgement {
  const lost: string[] = []
  const doubled: string[] = []
  let retried = 0
  const ofJob = byJob(books)
  for (const id of jobs) {
    const lines = ofJob.get(id) ?? []
    const last = lines.findLast(({ state }) => state !== 'ran')
    if (last === undefined || !ends.has(last.state)) lost.push(`${id} is ${last?.state ?? 'nowhere'}`)
    doubled.push(...doubledOf(id, lines))
    retried += (last?.attempt ?? 1) - 1
  }
  return { lost, doubled, retried }
}

function byJob(books: readonly BookLine[]): Map<string, BookLine[]> {
  const lines = new Map<string, BookLine[]>()
  for (const line of books) {
    const known = lines.get(line.id)
    if (known === undefined) lines.set(line.id, [line])
    else known.push(line)
  }
  return lines
}

function doubledOf(id: string, lines: readonly BookLine[]): string[] {
  const found: string[] = []
  const ended = new Map<number, string>()
  const ran = new Set<number>()
  let passed: number | undefined
  for (const { state, attempt } of lines) {
    if (state === 'ran') ran.add(attempt)
    if (!ends.has(state)) continue
    const before = ended.get(attempt)
    if (before !== undefined) found.push(`attempt ${attempt} of ${id} ended as ${before} and as ${state}`)
    if (state === 'passed' && !ran.has(attempt))
      found.push(`attempt ${attempt} of ${id} got the verdict of another run`)
    if (passed !== undefined && passed !== attempt)
      found.push(`attempt ${attempt} of ${id} was made after attempt ${passed} had passed`)
    if (state === 'passed') passed = attempt
    ended.set(attempt, state)
  }
  return found
}
