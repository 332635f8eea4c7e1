import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { type Served, startServed } from '../end-to-end/served.ts'
import { createBench, expectNothingLeft, mainFile, qemuProcesses } from '../mayfly.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
debug: { on: failure, hold: 90s }
steps:
  - name: breaks
    run: |
      setsid sleep 3600 </dev/null >/dev/null 2>&1 &
      echo $! >~/pid
      exit 7
`
const host = 'debug: { listen: "127.0.0.1:0" }\n'

describe('a server that is killed while it keeps a machine for its maintainers', () => {
  it('leaves them what they had, and the machine ends at its time although no server is there by then', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const name = 'octo/breaks'
    const { cloneUrl } = await git.createRepository(name, { '.mayfly.yml': pipeline })
    const bench = await createBench({ templates: 'shared' })
    let served = await startServed(bench, { host })
    const key = join(bench.data, '..', 'maintainer')
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    expect((await served.api('POST', '/repositories', { forge: 'gitea', name, cloneUrl })).status).toBe(201)
    const mayfly = (from: Served, args: readonly string[]) =>
      execa(process.execPath, [mainFile, ...args, '--server', from.url], { reject: false, all: true })
    const opted = await mayfly(served, ['repos', 'debug', `gitea:${name}`, '--key', `${key}.pub`])
    expect(opted.exitCode, opted.all).toBe(0)
    const { body: build } = await served.api('POST', '/builds', { forge: 'gitea', repository: name })
    const [job] = build.jobs as { id: string }[]
    const id = job?.id ?? ''
    const holdOf = async (from: Served) =>
      (await from.api('GET', `/jobs/${id}`)).body.hold as { state: string; until: string } | undefined
    const look = async (from: Served) =>
      (await mayfly(from, ['debug', id, '--identity', key, 'ps -o comm= -p $(cat pid)'])).all

    const held = await eventually('the hold', async () => {
      const hold = await holdOf(served)
      return hold?.state === 'held' ? hold : undefined
    })
    expect(await look(served)).toContain('sleep')
    const [qemu] = await qemuProcesses(bench.data)
    await served.kill()

    served = await startServed(bench, { host })
    const kept = await eventually('the hold to be taken up', async () => {
      const hold = await holdOf(served)
      return hold?.state === 'held' ? hold : undefined
    })
    // Not renewed by it.
    expect(Math.abs(Date.parse(kept.until) - Date.parse(held.until))).toBeLessThan(5000)
    expect(await look(served)).toContain('sleep')
    expect((await qemuProcesses(bench.data)).map(({ pid }) => pid)).toEqual([qemu?.pid])
    await served.kill()

    const isOver = () => Date.now() >= Date.parse(held.until)
    await eventually('its keeper to end it', async () => {
      const runs = (await qemuProcesses(bench.data)).length > 0
      return runs ? undefined : true
    })
    expect(isOver()).toBe(true)
    served = await startServed(bench, { host })
    expect(await holdOf(served)).toMatchObject({
      state: 'ended',
      why: 'its time was over while its host was down',
    })
    expect((await served.api('GET', `/jobs/${id}`)).body).toMatchObject({ state: 'failed', attempt: 1 })
    expect(await served.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})
