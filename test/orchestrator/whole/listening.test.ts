import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listeningOn } from '../../machine/acceptance/process-sockets.ts'
import { until } from '../until.ts'
import { oneJob, type ShownBuild, startWhole, type Whole } from './whole-server.ts'

let whole: Whole
let build: ShownBuild

beforeAll(async () => {
  whole = await startWhole({
    machine: {
      boot: { console: 'Linux version 6.1\n' },
      steps: () => ({ prints: [200], console: 'still here\n' }),
    },
  })
  const push = await whole.repository('octo/console', { '.mayfly.yml': oneJob })
  await whole.deliver(push)
  build = await whole.verdict(push.name)
})
afterAll(() => whole?.close())

describe('the console of a job', () => {
  it('AC13: is read through the server itself, whole, in part, and as it grows', async () => {
    const path = `${whole.url}/api/v1/jobs/${build.jobs[0]?.id}/console`
    const all = await (await fetch(path)).text()
    expect(all).toBe('Linux version 6.1\nstill here\n')
    expect(await (await fetch(`${path}?tail=1`)).text()).toBe('still here\n')
    const followed = await (await fetch(`${path}/follow`)).text()
    expect(followed).toContain('Linux version 6.1')
    expect(followed).toMatch(/event: end/)
    expect(await (await fetch(`${whole.url}/jobs/${build.jobs[0]?.id}?stream=console`)).text()).toContain(
      'still here',
    )
  })

  it('AC13: is for who has a token with scope read, once there is any token', async () => {
    const make = async (scopes: string[]) =>
      (await whole.api('POST', '/tokens', { name: scopes.join(), scopes })) as { body: { text?: string } }
    const admin = await make(['admin'])
    const authorization = `Bearer ${admin.body.text}`
    const post = { method: 'POST', headers: { authorization, 'content-type': 'application/json' } }
    const body = JSON.stringify({ name: 'submitter', scopes: ['submit'] })
    const submitter = await (await fetch(`${whole.url}/api/v1/tokens`, { ...post, body })).json()
    const statusOf = async (path: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const { status } = await fetch(`${whole.url}${path}`, { headers })
      return status
    }
    const job = build.jobs[0]?.id
    for (const path of ['console', 'console/follow', 'console/search?text=Linux'].map(
      (end) => `/api/v1/jobs/${job}/${end}`,
    )) {
      expect(await statusOf(path)).toBe(401)
      expect(await statusOf(path, 'guessed')).toBe(401)
      expect(await statusOf(path, (submitter as { text: string }).text)).toBe(403)
      expect(await statusOf(path, admin.body.text)).toBe(200)
    }
    expect(await statusOf(`/jobs/${job}?stream=console`)).toBe(401)
  })
})

describe('a server on loopback', () => {
  it('AC13, AC36: listens for TCP on the one port of its HTTP server, of all its processes', async () => {
    const { host } = new URL(whole.url)
    const own = await family(process.pid)
    expect(own).toContain(await whole.redisPid())
    const addresses = (await Promise.all(own.map((pid) => listeningOn(pid).catch(() => [])))).flat()
    // The stand-ins of forge and git live in this process, too.
    const standIns = [whole.git.url, whole.forge.url].map((url) => new URL(url).host)
    expect(addresses.filter((address) => !standIns.includes(address))).toEqual([host])
    expect(await listeningOn(await whole.redisPid())).toEqual([])
    await until('nobody answers but on loopback', () =>
      addresses.every((address) => address.startsWith('127.')),
    )
  })
})

/** A process and all below it, from the fourth field of proc_pid_stat(5). */
async function family(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(
    pids.map(async (one) => {
      const stat = await readFile(`/proc/${one}/stat`, 'latin1').catch(() => '')
      return [one, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const
    }),
  )
  const below = (of: number): number[] => [
    of,
    ...parents.filter(([, parent]) => parent === of).flatMap(([one]) => below(one)),
  ]
  return below(pid)
}
