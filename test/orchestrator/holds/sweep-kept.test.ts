import { describe, expect, it } from 'vitest'
import { sweepKept } from '../../../orchestrator/holds/sweep-kept.ts'
import type { JobHold, ParkedHold } from '../../../orchestrator/model/build.ts'
import { keptLog } from '../kept-log.ts'
import { memoryStore } from '../memory-store.ts'
import { aBuild, aJob } from '../store/records.ts'
import { memoryKept } from './memory-kept.ts'

const gateway = { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' }
const parkedAt = (day: number, bytes = 2 ** 20): ParkedHold => ({
  state: 'parked',
  parked: `2026-01-0${day}T00:00:00.000Z`,
  until: `2026-01-0${day + 3}T00:00:00.000Z`,
  bytes,
})

/** An installation of the host `alive`, of which so much is written. */
async function swept(holds: Record<string, JobHold | undefined>, { quota = 2 ** 30, files = true } = {}) {
  const store = memoryStore()
  const kept = memoryKept()
  const removed: string[] = []
  for (const [build, hold] of Object.entries(holds)) {
    const job = aJob(build, 'main', { state: 'failed', claim: 1, ...(hold === undefined ? {} : { hold }) })
    await store.builds.add(aBuild({ id: build, jobs: [job.id] }), [job])
    await kept.add(job.id)
  }
  await sweepKept({
    debug: {
      ...{ listen: { host: '127.0.0.1', port: 0 }, address: undefined, slots: 1, perRepository: 1 },
      ...{ longest: 60_000, parked: { quota, maxAge: 86_400_000 } },
    },
    ...{ store, kept, now: () => new Date('2026-01-05T12:00:00.000Z'), log: keptLog().log },
    parking: { isParked: async () => files, remove: async ({ id }) => void removed.push(id) },
    hosts: {
      list: async () =>
        ['alive', 'lost'].map((name) => ({
          ...{ name, stale: name === 'lost', heard: '', running: [] },
          ...{ cpus: { total: 2, taken: 0 }, memory: { total: 1, taken: 0 } },
        })),
    },
  })
  const holdOf = async (build: string) => (await store.jobs.get(`${build}-main`))?.hold
  return { holdOf, removed, listed: async () => (await kept.list()).toSorted() }
}

describe('sweepKept', () => {
  it('ends what was kept on a host that is lost, and leaves what another keeps', async () => {
    const held = (host: string) => ({ state: 'held', host, until: '', gateway }) as const
    const { holdOf } = await swept({ b1: held('lost'), b2: held('gone-long-ago'), b3: held('alive') })
    for (const build of ['b1', 'b2'])
      expect(await holdOf(build)).toMatchObject({ state: 'ended', why: 'its host ended' })
    expect((await holdOf('b3'))?.state).toBe('held')
  })

  it('has what a lost host had resumed parked as it was before, if that is still there', async () => {
    const before = parkedAt(4)
    const held = { state: 'held', host: 'lost', until: '', gateway, before } as const
    const resuming = { state: 'resuming', host: 'lost', before } as const
    const { holdOf } = await swept({ b1: held, b2: resuming })
    for (const build of ['b1', 'b2'])
      expect(await holdOf(build)).toEqual({ ...before, why: 'its host ended' })
    const without = await swept({ b1: held }, { files: false })
    expect(await without.holdOf('b1')).toMatchObject({ state: 'ended' })
  })

  it('removes what is past its time, and the oldest of what is too much', async () => {
    const mib = 2 ** 20
    const holds = { b1: parkedAt(1), b2: parkedAt(3, 2 * mib), b3: parkedAt(4, mib), b4: parkedAt(5, mib) }
    const { holdOf, removed, listed } = await swept(holds, { quota: 3 * mib })
    expect(await holdOf('b1')).toMatchObject({ state: 'ended', why: 'it was parked for its time' })
    expect(await holdOf('b2')).toMatchObject({ why: 'what is parked took more than its quota' })
    expect(await holdOf('b3')).toEqual(holds.b3)
    expect(await holdOf('b4')).toEqual(holds.b4)
    expect(removed.toSorted()).toEqual(['b1-main', 'b2-main'])
    expect(await listed()).toEqual(['b3-main', 'b4-main'])
  })

  it('forgets what is over, with what an earlier attempt may have left', async () => {
    const { removed, listed } = await swept({ b1: undefined, b2: { state: 'refused', why: 'no slot' } })
    expect(removed.toSorted()).toEqual(['b1-main', 'b2-main'])
    expect(await listed()).toEqual([])
  })
})
