import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packageRoot } from '../../../../images/package-root.ts'
import { createHosts } from '../../../../orchestrator/hosts/hosts.ts'
import { redisPaths } from '../../../../orchestrator/redis/filenames.ts'
import { prefix } from '../../../../orchestrator/serve/prefix.ts'
import { until } from '../../until.ts'
import { oneJob, startWhole, type Whole } from '../../whole/whole-server.ts'

const minute = 60_000
const name = 'rack-2'
let whole: Whole

beforeAll(async () => {
  whole = await startWhole({
    host: { name, labels: ['gpu'] },
    machine: { steps: () => ({ prints: ['begun\n', 3000, 'made it\n'] }) },
  })
}, 2 * minute)
afterAll(() => whole?.close())

/** A host that was last heard of an hour ago. */
async function announceSilent(silent: string) {
  const place = { dataFolder: whole.data, env: process.env, uid: userInfo().uid }
  const redis = new Redis({ path: redisPaths(place).socket })
  const now = () => new Date(Date.now() - 60 * 60_000)
  const size = { total: 1, taken: 0 }
  await createHosts({ redis, prefix, now }).announce({
    ...{ name: silent, labels: [], cpus: size, memory: size, running: [] },
  })
  redis.disconnect()
}

const mayfly = async (...words: string[]) => {
  const main = join(packageRoot(), 'orchestrator', 'command', 'main.ts')
  const args = ['--import', 'tsx', main, ...words, '--server', whole.url]
  const options = { all: true, reject: false, stdin: 'ignore', env: { MAYFLY_TOKEN: '' } } as const
  const { exitCode, all } = await execa(process.execPath, args, options)
  return { code: exitCode, output: all }
}

it(
  'mayfly hosts lists a host, drains it once its jobs are over, and lets it take jobs again',
  async () => {
    const listed = await mayfly('hosts')
    expect(listed.output).toMatch(new RegExp(`${hostname()}-\\d+ +up .*gpu`))
    await whole.deliver(await whole.repository('octo/slow', { '.mayfly.yml': oneJob }))
    await until('its step', () => whole.start.machines[0]?.ran.length === 1, minute)
    const drained = await mayfly('hosts', 'drain', name, '--why', 'a new disk', '--wait')
    expect(drained).toMatchObject({ code: 0, output: expect.stringContaining('nothing runs there') })
    expect(drained.output).toMatch(/^rack-2: drained by \S+: a new disk/)
    expect((await whole.verdict('octo/slow', minute)).state).toBe('passed')
    expect((await mayfly('hosts', 'ls')).output).toContain('draining')
    expect(JSON.parse((await mayfly('hosts', 'show', name)).output).processes).toHaveLength(1)
    expect((await mayfly('hosts', 'uncordon', name)).output).toContain('rack-2: takes jobs')
    expect(whole.logged()).toContain('a host is drained')
  },
  3 * minute,
)

it(
  'mayfly hosts refuses a host that nobody has heard of, a time that is none, and to remove one that is alive',
  async () => {
    const strange = await mayfly('hosts', 'cordon', 'rack-3')
    expect([strange.code, strange.output]).toEqual([2, expect.stringContaining('did you mean rack-2?')])
    const time = await mayfly('hosts', 'drain', name, '--deadline', 'soon')
    expect([time.code, time.output]).toEqual([2, expect.stringContaining('--deadline: ')])
    const alive = await mayfly('hosts', 'remove', name)
    expect([alive.code, alive.output]).toEqual([2, expect.stringContaining('expected a host that is silent')])
  },
  3 * minute,
)

it(
  'mayfly doctor --fleet ends with 3 where something is wrong, and else with 0',
  async () => {
    expect(await mayfly('doctor', '--fleet')).toMatchObject({
      code: 0,
      output: expect.stringContaining('up, Mayfly'),
    })
    await whole.deliver(await whole.repository('octo/gpu', { '.mayfly.yml': `runs_on: gpu\n${oneJob}` }))
    expect((await whole.verdict('octo/gpu', minute)).state).toBe('passed')
    await mayfly('hosts', 'cordon', name)
    const { code, output } = await mayfly('doctor', '--fleet')
    // Since a moment only.
    expect([code, output]).toEqual([0, expect.stringContaining('mend: mayfly hosts uncordon rack-2')])
    await announceSilent('lost-4711')
    const wrong = await mayfly('doctor', '--fleet')
    expect([wrong.code, wrong.output]).toEqual([3, expect.stringContaining('mayfly hosts remove lost-4711')])
    const removed = await mayfly('hosts', 'remove', 'lost')
    expect([removed.code, removed.output]).toEqual([0, 'lost is off the list; it had no jobs'])
    expect((await mayfly('doctor', '--fleet')).code).toBe(0)
  },
  3 * minute,
)
