import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { type Bench, expectNothingLeft } from '../../machine/mayfly.ts'
import { type WatchedRun, watchRun } from '../../machine/watched-run.ts'
import { createCommandBench } from './command-bench.ts'

/** A server that sends the first byte of a disk and never the second. */
async function stallingServer(): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '100000', etag: '"one"' })
    response.write('x')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.qcow2`
}

const slowJob = { pipeline: 'image: slow\nsteps: [ { run: make } ]\n', args: ['--config', 'host.yml'] }

async function pullWithoutEnd(bench: Bench): Promise<WatchedRun> {
  const image = `{ url: "${await stallingServer()}", digest: "sha256:${'0'.repeat(64)}" }`
  await writeFile(join(bench.work, 'host.yml'), `images: { slow: ${image} }\n`)
  return await watchRun(bench, slowJob)
}

/** Exit 130, a verdict that says who ended it, and nothing that goes on without us. */
async function expectCancelled(bench: Bench, run: WatchedRun, reason: string): Promise<void> {
  const { code, output, record } = await run.ended()
  expect(code).toBe(130)
  expect(record).toMatchObject({ verdict: 'cancelled', reason })
  expectNoStackTrace(output)
  const locks = join(bench.data, 'images', '.locks')
  expect(existsSync(locks) ? await readdir(locks) : []).toEqual([])
  await expectNothingLeft(bench)
}

describe('mayfly run that is interrupted before it has an image', () => {
  it('ends at once while the image is downloaded, and keeps what came for the next pull', async () => {
    const bench = await createCommandBench()
    const run = await pullWithoutEnd(bench)
    await run.until(({ type, phase }) => type === 'image-progress' && phase === 'download')
    run.mayfly.kill('SIGINT')
    await expectCancelled(bench, run, 'interrupted (Ctrl-C)')
    const left = await readdir(join(bench.data, 'images', '.downloads', 'slow'))
    expect(left.sort()).toEqual(['source.json', 'source.part'])
  })

  it('ends at once while another process brings the same image, which goes on', async () => {
    const bench = await createCommandBench()
    const first = await pullWithoutEnd(bench)
    await first.until(({ type, phase }) => type === 'image-progress' && phase === 'download')
    const second = await watchRun(bench, slowJob)
    const { pid } = await second.until(({ type, phase }) => type === 'image-progress' && phase === 'waiting')
    expect(pid).toBe(first.mayfly.pid)
    second.mayfly.kill('SIGTERM')
    const { code, output } = await second.mayfly.then(({ exitCode, all }) => ({
      code: exitCode,
      output: String(all),
    }))
    expect(code).toBe(130)
    expect(output).toContain('ended by SIGTERM')
    expect(first.mayfly.exitCode).toBe(null)
    first.mayfly.kill('SIGINT')
    expect((await first.mayfly).exitCode).toBe(130)
    for (const { verdict } of await bench.records()) expect(verdict).toBe('cancelled')
    await expectNothingLeft(bench)
  })

  it('ends the tools of an image that is being built, and removes what they made', async () => {
    const bench = await createCommandBench()
    const bin = join(bench.work, 'bin')
    await mkdir(bin)
    const pidFile = join(bench.work, 'pid')
    const tool = `#!/bin/sh\necho $$ >${pidFile}\necho 'I: downloading packages...' >&2\nexec sleep 600\n`
    await writeFile(join(bin, 'mmdebstrap'), tool)
    await chmod(join(bin, 'mmdebstrap'), 0o755)
    const run = await watchRun(bench, {
      pipeline: 'steps: [ { run: make } ]\n',
      env: { PATH: `${bin}:${process.env.PATH}` },
    })
    await run.until(({ type, line }) => type === 'image-progress' && String(line).startsWith('downloading'))
    run.mayfly.kill('SIGINT')
    await expectCancelled(bench, run, 'interrupted (Ctrl-C)')
    expect(existsSync(join('/proc', (await readFile(pidFile, 'utf8')).trim()))).toBe(false)
    expect(await readdir(join(bench.data, 'images', '.downloads', 'debian-12-local'))).toEqual([])
  })

  it('leaves at once at the second Ctrl-C', async () => {
    const bench = await createCommandBench()
    const run = await pullWithoutEnd(bench)
    await run.until(({ type, phase }) => type === 'image-progress' && phase === 'download')
    run.mayfly.kill('SIGINT')
    run.mayfly.kill('SIGINT')
    const { exitCode, all } = await run.mayfly
    expect(exitCode).toBe(130)
    expectNoStackTrace(String(all))
    await expectNothingLeft(bench)
  })
})
