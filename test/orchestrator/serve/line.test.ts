import { afterEach, expect, it } from 'vitest'
import { until } from '../until.ts'
import { startWhole, type Whole } from '../whole/whole-server.ts'

let whole: Whole
afterEach(() => whole?.close())

const minute = 60_000
const file = 'resources: { cpus: 1, memory: 256MiB }\nsteps:\n  - name: work\n    run: make\n'

it(
  'a schedule that is registered while the server runs starts its builds without another start',
  async () => {
    whole = await startWhole()
    await whole.repository('octo/clock', { '.mayfly.yml': file })
    // Each second, which only the six fields of a schedule can say.
    const schedules = [{ cron: '* * * * * *', branch: 'main' }]
    const path = `/repositories/${encodeURIComponent('github:octo/clock')}`
    expect((await whole.api('PATCH', path, { schedules })).status).toBe(200)
    await until('a build by the clock', async () => (await whole.builds('octo/clock')).length > 0, minute)
    expect((await whole.api('PATCH', path, { schedules: [] })).status).toBe(200)
    expect((await whole.builds('octo/clock'))[0]).toMatchObject({ event: 'schedule' })
  },
  2 * minute,
)

it(
  'counts the refused requests of each client behind the proxy that the host file names',
  async () => {
    whole = await startWhole({ host: { trustedProxies: ['127.0.0.0/8'] } })
    const ask = async (client: string) =>
      (await fetch(`${whole.url}/api/v1/builds`, { headers: { 'x-forwarded-for': client } })).status
    for (let time = 0; time < 30; time++) expect(await ask('192.0.2.1')).toBe(401)
    expect([await ask('192.0.2.1'), await ask('192.0.2.2')]).toEqual([429, 401])
  },
  2 * minute,
)

it(
  'AC33, AC34, AC35: shows what a running job takes, keeps it from being deleted, and kills it when told to',
  async () => {
    whole = await startWhole({ machine: { steps: { work: { instead: 'hang' } } } })
    await whole.deliver(await whole.repository('octo/endless', { '.mayfly.yml': file }))
    await until('its step', () => whole.start.machines[0]?.ran.length === 1, minute)
    const [build] = await whole.builds('octo/endless')
    const job = build?.jobs[0]?.id ?? ''
    const taken = async () => {
      const { body } = await whole.api('GET', '/hosts')
      const [host] = body.items as { cpus: { taken: number }; memory: { taken: number } }[]
      return [host?.cpus.taken, host?.memory.taken]
    }
    await until('the host to say so', async () => (await taken())[0] === 1, minute)
    expect(await taken()).toEqual([1, 256 * 2 ** 20])
    const metrics = await (await fetch(`${whole.url}/metrics`)).text()
    expect(metrics).toMatch(/^mayfly_host_cpus{host="[^"]+",kind="allocated"} 1$/m)
    expect(metrics).toMatch(/^mayfly_host_memory_bytes{host="[^"]+",kind="allocated"} 268435456$/m)

    expect((await whole.api('DELETE', `/jobs/${job}`)).status).toBe(409)
    expect((await whole.api('DELETE', `/builds/${build?.id}`)).status).toBe(409)
    expect(whole.start.machines[0]?.destroyed).toEqual([])
    expect((await whole.api('POST', `/jobs/${job}/kill`)).status).toBe(202)
    const verdict = await whole.verdict('octo/endless', minute)
    expect(verdict.jobs[0]).toMatchObject({
      state: 'cancelled',
      reason: 'killed by local: its machine was ended with SIGKILL',
    })
    await until('nothing to be taken', async () => (await taken())[0] === 0, minute)
    expect((await whole.api('DELETE', `/builds/${build?.id}`)).status).toBe(204)
    expect(await whole.builds('octo/endless')).toEqual([])
  },
  3 * minute,
)
