import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startServed } from '../end-to-end/served.ts'
import { expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { everyLine, midway } from './midway.ts'

describe('a server that is told to stop while a job runs', () => {
  it('leaves it to the next one, which goes on with the machine and the log, and ends it once', async () => {
    const { bench, served, id, log, verdict, qemu } = await midway()
    expect(await served.stop('SIGTERM')).toBe(0)
    expect(served.output()).toContain(`left to the next server, which has 15 m 00 s to come: ${id}`)
    await sleep(1500)
    expect((await qemuProcesses(bench.data)).map(({ pid }) => pid)).toEqual([qemu])

    const next = await startServed(bench)
    expect((await next.api('GET', `/jobs/${id}`)).body).toMatchObject({ state: 'running', attempt: 1 })
    expect((await qemuProcesses(bench.data)).map(({ pid }) => pid)).toEqual([qemu])
    expect(await verdict(next)).toMatchObject({ state: 'passed', attempt: 1 })
    expect((await log(next)).split('[mayfly] step 1: counts\n').slice(1)).toEqual([everyLine])
    expect(await next.stop()).toBe(0)
    await expectNothingLeft(bench)
  })

  it('has it run anew by the next one where its machine ended meanwhile, as with its host', async () => {
    const { bench, served, id, log, verdict, qemu } = await midway()
    expect(await served.stop('SIGTERM')).toBe(0)
    process.kill(qemu, 'SIGKILL')

    const next = await startServed(bench)
    expect((await next.api('GET', `/jobs/${id}`)).body).toMatchObject({ attempt: 1 })
    expect(await verdict(next)).toMatchObject({ state: 'passed', attempt: 1 })
    expect((await log(next)).split('[mayfly] step 1: counts\n').slice(1)).toEqual([everyLine])
    expect(await next.stop()).toBe(0)
    await expectNothingLeft(bench)
  })

  it('takes its machine down and puts it back in line where Ctrl-C stopped it', async () => {
    const { bench, served, id } = await midway()
    expect(await served.stop('SIGINT')).toBe(0)
    expect(served.output()).toContain('stopping: running jobs end or are put back')
    expect(await qemuProcesses(bench.data)).toEqual([])

    const next = await startServed(bench)
    await eventually('it to run again', async () => {
      const { body } = await next.api('GET', `/jobs/${id}`)
      return body.state === 'running' && body.attempt === 1 ? true : undefined
    })
    expect(await next.stop('SIGINT')).toBe(0)
    await expectNothingLeft(bench)
  })
})
