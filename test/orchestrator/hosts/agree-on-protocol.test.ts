import { afterAll, beforeAll, expect, it } from 'vitest'
import { agreeOnProtocol } from '../../../orchestrator/hosts/agree-on-protocol.ts'
import { createHosts, staleMs } from '../../../orchestrator/hosts/hosts.ts'
import { keptLog } from '../kept-log.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let redis: RealRedis
let count = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

function anInstallation() {
  let time = Date.parse('2026-01-02T03:04:05.000Z')
  const place = { redis: redis.connect(), prefix: `protocol${count++}` }
  const hosts = createHosts({ ...place, now: () => new Date(time) })
  const { log, lines } = keptLog()
  const start = (own: number, role: 'worker' | 'web' = 'worker') =>
    agreeOnProtocol({ ...place, hosts, role, log, own })
  const beat = (name: string, said?: number) => {
    const size = { total: 1, taken: 0 }
    const told = said === undefined ? {} : { protocol: said, version: `0.${said}.0` }
    return hosts.announce({ name, cpus: size, memory: size, running: [], ...told })
  }
  const pass = (ms: number) => {
    time += ms
  }
  return { hosts, start, beat, pass, lines }
}

it('workers start one step before or after the newest that ever served, and go further step by step', async () => {
  const { start } = anInstallation()
  await start(5)
  await start(4)
  await start(6)
  await start(5)
  await expect(start(4)).rejects.toMatchObject({
    message: expect.stringContaining('found 6: this Mayfly is too old for it'),
    hint: expect.stringContaining('start a Mayfly of protocol 6 here'),
  })
  await expect(start(8)).rejects.toMatchObject({
    message: expect.stringContaining('found 6: this Mayfly is too new for it'),
    hint: expect.stringContaining('start a Mayfly of protocol 7 here and on all other hosts first'),
  })
  await start(7)
})

it('a host that is alive two steps behind keeps a newer one out until it is upgraded or silent', async () => {
  const { start, beat, pass } = anInstallation()
  await beat('rack-2-1', 1)
  await start(2)
  await expect(start(3)).rejects.toThrow('found rack-2-1 with 1 (Mayfly 0.1.0)')
  pass(staleMs + 1)
  await start(3)
})

it('hosts from before there was a number count as nought, and those that are only expected do not count', async () => {
  const { hosts, start, beat } = anInstallation()
  await hosts.expect('rack-1-1')
  await start(2)
  await beat('rack-2-1')
  await expect(start(2)).rejects.toThrow('found rack-2-1 with 0 (Mayfly of an early version)')
  await start(1)
})

it('a process that only answers HTTP warns and goes on, and lets nobody else take its word', async () => {
  const { start, lines } = anInstallation()
  await start(1)
  await start(9, 'web')
  expect(lines()).toContain('expected an installation whose protocol is 9 or one beside it, found 1')
  await start(2)
})
