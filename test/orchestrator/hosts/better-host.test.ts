import { describe, expect, it, onTestFinished } from 'vitest'
import { betterHost } from '../../../orchestrator/hosts/better-host.ts'
import { createWarmHosts } from '../../../orchestrator/hosts/warm-hosts.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import type { HostStatus } from '../../../orchestrator/model/queue-view.ts'
import { startRedis } from '../real-redis.ts'
import { aJob } from '../store/records.ts'

const gib = 2 ** 30

const aHost = (name: string, other: Partial<HostStatus> = {}): HostStatus => ({
  ...{ name, running: [], heard: '2026-01-02T03:04:05.000Z', stale: false },
  ...{ cpus: { total: 8, taken: 0 }, memory: { total: 16 * gib, taken: 0 } },
  ...other,
})

async function world(hosts: readonly HostStatus[]) {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const warmHosts = createWarmHosts({ redis: server.connect(), prefix: 'test' })
  const better = (job: BuildJob, computer = 'cold') =>
    betterHost({ hosts: { list: async () => [...hosts] }, warmHosts, computer }, job)
  return { warmHosts, better }
}

const plainJob: Pick<BuildJob['job'], 'setup' | 'setupFiles' | 'env' | 'network'> = {
  ...{ setup: [], setupFiles: [], env: {} },
  network: 'web',
}

function jobWith(other: Partial<BuildJob['job']>): BuildJob {
  const job = aJob('b1', 'test')
  return { ...job, job: { ...job.job, ...plainJob, ...other } }
}

describe('the better host for a job', () => {
  it('is the one that ran such a job last, unless this one did too', async () => {
    const { warmHosts, better } = await world([aHost('first'), aHost('last'), aHost('cold')])
    const job = jobWith({})
    expect(await better(job)).toBeUndefined()
    await warmHosts.ran(job, 'first')
    await new Promise((resolve) => setTimeout(resolve, 5))
    await warmHosts.ran(job, 'last')
    expect(await better({ ...job, id: 'b2-test' })).toBe('last')
    expect(await better(job, 'first')).toBeUndefined()
    expect(await better({ ...job, runsOn: ['gpu'] })).toBeUndefined()
  })

  it('is none that is full, silent, short of something, cordoned or being restarted', async () => {
    const busy = { total: 8, taken: 8 }
    const { warmHosts, better } = await world([
      aHost('full', { cpus: busy }),
      aHost('silent', { stale: true }),
      aHost('short', { pressure: 'little disk' }),
      aHost('cordoned', { cordon: { by: 'ann', at: '2026-01-02T03:04:05.000Z' } }),
      aHost('away', { awayUntil: '2026-01-02T03:09:05.000Z' }),
    ])
    const job = jobWith({})
    for (const name of ['full', 'silent', 'short', 'cordoned', 'away', 'gone']) await warmHosts.ran(job, name)
    expect(await better(job)).toBeUndefined()
  })

  it('is none for a job that starts from something else, and setups are the same within a repository only', async () => {
    const { warmHosts, better } = await world([aHost('warm')])
    const made = jobWith({ setup: ['make'] })
    await warmHosts.ran(made, 'warm')
    expect(await better(made)).toBe('warm')
    expect(await better(jobWith({ setup: ['make more'] }))).toBeUndefined()
    expect(await better({ ...made, repository: 'gitea:octo/other' })).toBeUndefined()
    expect(await better(jobWith({}))).toBeUndefined()
    const plain = jobWith({ env: { A: '1' } })
    await warmHosts.ran(plain, 'warm')
    expect(await better({ ...jobWith({ env: { A: '2' } }), repository: 'gitea:octo/other' })).toBe('warm')
    expect(await better(jobWith({ network: 'none' }))).toBeUndefined()
  })

  it('is the process that serves there now, whatever it was called then', async () => {
    const { warmHosts, better } = await world([aHost('rack-2-4711', { computer: 'rack-2', labels: ['gpu'] })])
    const job = { ...jobWith({}), runsOn: ['gpu'] }
    await warmHosts.ran(job, 'rack-2')
    expect(await better(job)).toBe('rack-2-4711')
    expect(await better(job, 'rack-2')).toBeUndefined()
  })
})
