import { describe, expect, it } from 'vitest'
import { startServed } from '../end-to-end/served.ts'
import { expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { everyLine, midway } from './midway.ts'
import { previousCommit } from './previous-commit.ts'

describe('a server of another version on the same data folder', () => {
  it.each([
    ['an upgrade', 'previous', 'this'],
    ['a way back', 'this', 'previous'],
  ])('goes on with a job in its machine after %s', async (_, from, to) => {
    const { folder } = await previousCommit()
    const sources = (which: string) => (which === 'previous' ? { sources: folder } : {})
    const { bench, served, id, log, verdict, qemu } = await midway(sources(from))
    expect(await served.stop('SIGTERM')).toBe(0)
    expect(served.output()).toContain(`left to the next server, which has 15 m 00 s to come: ${id}`)
    expect((await qemuProcesses(bench.data)).map(({ pid }) => pid)).toEqual([qemu])

    const next = await startServed(bench, sources(to))
    expect((await next.api('GET', `/jobs/${id}`)).body).toMatchObject({ state: 'running', attempt: 1 })
    expect((await qemuProcesses(bench.data)).map(({ pid }) => pid)).toEqual([qemu])
    expect(await verdict(next)).toMatchObject({ state: 'passed', attempt: 1 })
    expect((await log(next)).split('[mayfly] step 1: counts\n').slice(1)).toEqual([everyLine])
    expect(await next.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})
