import { pino } from 'pino'
import { describe, expect, it, vi } from 'vitest'
import { followLines } from '../../../orchestrator/queue/follow-lines.ts'

/** Lines that a test makes and drops, each taken until it is told to end, and what was let go of. */
function world() {
  const lines = ['jobs', 'jobs+gpu', 'jobs+arm']
  const stopping = new AbortController()
  const taken: string[] = []
  const closed: string[] = []
  let becomeIdle: () => void = () => undefined
  const idle = new Promise<void>((resolve) => {
    becomeIdle = resolve
  })
  const over = followLines({
    queue: { lines: async () => [...lines] },
    host: { name: 'here', labels: () => ['gpu'] },
    everyMs: 5,
    untilIdle: () => idle,
    take: (line, signal) => {
      taken.push(line)
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(async () => void closed.push(line)))
      })
    },
    log: pino({ level: 'silent' }),
    signal: stopping.signal,
  })
  return { lines, stopping, taken, closed, becomeIdle, over }
}

describe('the lines that a host takes from', () => {
  it('are its own, that of jobs without labels, and those whose labels it has', async () => {
    const { stopping, taken, closed, over } = world()
    await vi.waitFor(() => expect(taken).toEqual(['jobs', 'jobs@here', 'jobs+gpu']))
    stopping.abort()
    const close = await over
    expect(closed).toEqual([])
    await close()
    expect(closed.sort()).toEqual(['jobs', 'jobs+gpu', 'jobs@here'])
  })

  it('are let go of when they are no more, but not before a job that was taken at the last moment has ended', async () => {
    const { lines, stopping, taken, closed, becomeIdle, over } = world()
    await vi.waitFor(() => expect(taken).toContain('jobs+gpu'))
    lines.splice(1, 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(closed).toEqual([])
    lines.push('jobs+gpu')
    await vi.waitFor(() => expect(taken.filter((line) => line === 'jobs+gpu')).toHaveLength(2))
    becomeIdle()
    await vi.waitFor(() => expect(closed).toEqual(['jobs+gpu']))
    stopping.abort()
    await (await over)()
    expect(closed).toHaveLength(4)
  })
})
