import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settleJob } from '../../../orchestrator/adoption/settle-job.ts'
import { jobFolderPath, timelineName } from '../../../runner/job/filenames.ts'
import type { UntimedJobEvent } from '../../../runner/job/job-event.ts'
import { until } from '../until.ts'
import { hostWorld } from '../worker/host-world.ts'

const file = 'steps: [ make ]\n'

describe('a job whose process was killed and that has no machine', () => {
  it('is put back where none of its steps had begun, and the next host runs it from its beginning', async () => {
    const world = await taken()
    await world.wrote([{ type: 'phase-started', phase: 'boot' }])
    await world.settle()
    const back = await world.job()
    expect(back).toMatchObject({
      state: 'queued',
      restarts: 1,
      waiting: 'its host was restarted; it is next',
    })
    expect(back?.host).toBeUndefined()
    world.startHost('next')
    await until('its end', async () => (await world.job())?.state === 'passed')
    expect(await world.job()).toMatchObject({ attempt: 1, host: 'next' })
  })

  it('is errored where a step had begun, for it could have done what must not be done twice, and tried again', async () => {
    const world = await taken()
    await world.wrote([{ type: 'phase-started', phase: 'steps' }])
    await world.settle()
    expect(await world.job()).toMatchObject({ attempt: 2 })
    world.startHost('next')
    await until('its end', async () => (await world.job())?.state === 'passed')
  })

  it('has the verdict that it had come to', async () => {
    const world = await taken()
    await world.wrote([
      { type: 'phase-started', phase: 'steps' },
      {
        ...{ type: 'verdict', verdict: 'failed', failure: undefined },
        ...{ reason: 'step "make" ended with exit code 2', hint: undefined, evidence: [] },
      },
    ])
    await world.settle()
    expect(await world.job()).toMatchObject({
      ...{ state: 'failed', attempt: 1 },
      reason: 'step "make" ended with exit code 2',
    })
    expect((await world.store.builds.get(world.build.id))?.state).toBe('failed')
  })

  it('is not put back for ever: it may be what kills the server', async () => {
    const world = await taken()
    for (let kill = 1; kill <= 3; kill++) {
      await world.settle()
      expect(await world.job()).toMatchObject({ state: 'queued', restarts: kill })
      await world.take()
    }
    await world.settle()
    const { attempt, restarts } = (await world.job()) ?? {}
    expect([attempt, restarts]).toEqual([2, undefined])
  })

  it('is put back where its server was told to stop, wherever it stood and however often', async () => {
    const world = await taken()
    await world.wrote([{ type: 'phase-started', phase: 'steps' }])
    for (let stop = 1; stop <= 5; stop++) {
      await world.settle(true)
      expect(await world.job()).toMatchObject({ state: 'queued', attempt: 1 })
      expect((await world.job())?.restarts ?? 0).toBe(0)
      await world.take()
    }
    await world.settle()
    expect(await world.job()).toMatchObject({ attempt: 2 })
  })

  it('is left alone where another host has it by now', async () => {
    const world = await taken()
    const before = await world.job()
    await world.store.jobs.takeOver(world.id, 'another', before?.claim ?? 0)
    await settleJob(world.parts, before ?? expect.fail('expected a job'), { leftJobs: false })
    expect(await world.job()).toMatchObject({
      state: 'claimed',
      host: 'another',
      claim: (before?.claim ?? 0) + 1,
    })
  })
})

/** A job that a host which is gone has claimed, out of the line. */
async function taken() {
  const world = await hostWorld({ file })
  const { build, ids } = await world.push()
  const id = Object.values(ids)[0] ?? ''
  const { store, queue, builds, archiveFolder } = world
  const { log } = world.parts
  const take = async () => {
    const job = await store.jobs.claim(id, 'killed')
    if (job !== undefined) await queue.drop(job)
  }
  await take()
  const parts = { archiveFolder, store, queue, builds, log }
  const job = () => store.jobs.get(id)
  return {
    ...world,
    ...{ build, id, take, parts, job },
    settle: async (leftJobs = false) =>
      await settleJob(parts, (await job()) ?? expect.fail('expected a job'), { leftJobs }),
    /** What its process left in its folder. */
    wrote: async (events: readonly UntimedJobEvent[]) => {
      const path = join(jobFolderPath(archiveFolder, `${id}-1`), timelineName)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, events.map((event) => `${JSON.stringify({ ...event, at: 1 })}\n`).join(''))
    },
  }
}
