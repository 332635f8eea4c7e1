import { describe, expect, it } from 'vitest'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { DebugParts } from '../../../orchestrator/holds/open-debug.ts'
import type { OptIn } from '../../../orchestrator/holds/opt-ins.ts'
import { prepareVisit } from '../../../orchestrator/holds/prepare-visit.ts'
import { createVisits } from '../../../orchestrator/holds/visits.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import { createFakeMachine } from '../../fake-machine.ts'
import { aPullRequest } from '../builds/build-world.ts'
import { keptLog } from '../kept-log.ts'
import { memoryStore } from '../memory-store.ts'
import { aBuild, aJob } from '../store/records.ts'

const at = '2026-01-01T00:00:00.000Z'
const optIn: OptIn = { by: 'ann', at, keys: [{ who: 'ada', publicKey: 'k' }] }

type Setting = {
  on?: Job['debug']['on']
  fork?: boolean
  optIn?: OptIn | undefined
  change?: Partial<BuildJob>
}

async function aRunningJob(setting: Setting = {}) {
  const { on = 'always', fork = false, change = {} } = setting
  const opted = 'optIn' in setting ? setting.optIn : optIn
  const store = memoryStore()
  const { log } = keptLog()
  const optIns = { get: async () => opted }
  const visits = createVisits({ archiveFolder: '/archive', optIns, now: () => new Date(at), log })
  const gateway = { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' }
  const debug = { visits, gateway, optIns } as unknown as DebugParts
  const planned = { name: 'main', timeout: 60_000, debug: { on, hold: 1 } } as unknown as Job
  const job = aJob('b1', 'main', { state: 'running', claim: 1, job: planned, ...change })
  const build = aBuild({
    id: 'b1',
    jobs: [job.id],
    ...(fork ? { trigger: aPullRequest({ fork: true }) } : {}),
  })
  await store.builds.add(build, [job])
  const admit = await prepareVisit({ debug, store, build, job, log })
  return { admit, visits, job, store, gateway }
}

describe('a job that runs', () => {
  it('is open from its first step on to its maintainers, until its last', async () => {
    const { admit, visits, job, store, gateway } = await aRunningJob()
    expect(visits.authorize(job.id)).toBe(undefined)
    const remarks: string[] = []
    const leave = admit?.({ machine: createFakeMachine(), remark: (text) => remarks.push(text) })
    expect(await visits.authorize(job.id)).toMatchObject({
      ...{ kind: 'open', keys: optIn.keys, until: new Date('2026-01-01T00:01:00.000Z') },
      greeting: expect.stringContaining('Its secrets are in the machine'),
    })
    expect((await store.jobs.get(job.id))?.visit).toEqual(gateway)
    expect(remarks).toEqual([`maintainers may come in beside the steps: ssh -p 2222 ${job.id}@127.0.0.1`])
    const ended: string[] = []
    visits.onEnd(async (id) => void ended.push(id))
    await leave?.()
    expect([ended, visits.authorize(job.id), visits.recordings(job.id)]).toEqual([
      [job.id],
      undefined,
      undefined,
    ])
  })

  it.each<[string, Setting]>([
    ['its pipeline file asks for a hold on failure only', { on: 'failure' }],
    ['its pipeline file does not ask', { on: 'never' }],
    ['it is code from a fork', { fork: true }],
    ['nobody has opted its repository in', { optIn: undefined }],
    [
      'it is retried with debug, but asks for a hold on failure only',
      { on: 'failure', change: { debug: { by: 'ann', at } } },
    ],
  ])('is open to nobody where %s', async (_why, setting) => {
    expect((await aRunningJob(setting)).admit).toBe(undefined)
  })

  it('lets those in who were named with its retry, and them alone', async () => {
    const own: OptIn = { by: 'bob', at, keys: [{ who: 'bob', publicKey: 'b' }] }
    const { admit, visits, job } = await aRunningJob({ change: { debug: { by: 'bob', at, optIn: own } } })
    admit?.({ machine: createFakeMachine(), remark: () => undefined })
    expect(await visits.authorize(job.id)).toMatchObject({ kind: 'open', keys: own.keys })
  })
})
