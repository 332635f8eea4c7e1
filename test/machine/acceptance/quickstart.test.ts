import { existsSync } from 'node:fs'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'
import { eventually } from '../../eventually.ts'
import { type Bench, createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'

/** `npm run quickstart` as a user types it, on a bench's data folder and a free port. */
async function prepareQuickstart(bench: Bench) {
  const config = join(bench.data, '..', 'mayfly.yml')
  await writeFile(config, `listen: 127.0.0.1:0\nsecrets_key: ${join(bench.data, '..', 'secrets.key')}\n`)
  return () =>
    execa('npm', ['run', 'quickstart'], {
      cwd: packageRoot(),
      env: { MAYFLY_DATA: bench.data, MAYFLY_CONFIG: config, NO_COLOR: '1' },
      all: true,
      reject: false,
      stdin: 'ignore',
    })
}

/** Processes that name the data folder or work in it: Redis, QEMU, and whatever else a server starts. */
async function processesOf({ data }: Bench): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const facts = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
      return `${line} in ${await readlink(`/proc/${pid}/cwd`).catch(() => 'none')}`
    }),
  )
  return facts.filter((fact) => fact.includes(data))
}

describe('npm run quickstart', () => {
  it('builds hello.yml through a server in a fresh machine, ends with the verdict, its page and what to try next', async () => {
    const bench = await createBench()
    const { exitCode, all = '' } = await (await prepareQuickstart(bench))()
    expect(all).toContain('Hello from a machine that was made for this job alone.')
    expect(all).toContain('The step before said 42.')
    expect(all).toMatch(/✔ passed in .*\n {2}its page: http:\/\/127\.0\.0\.1:\d+\/builds\/\w{26}\n/)
    expect(all.slice(all.indexOf('passed'))).toContain(`Try next:\n  npx mayfly serve --data ${bench.data}\n`)
    expect(exitCode).toBe(0)
    expect((await bench.records()).map(({ verdict }) => verdict)).toEqual(['passed'])
    await expectNothingLeft(bench)
    expect(await processesOf(bench)).toEqual([])
  })

  it('leaves no process and no machine behind when it is interrupted while the machine boots', async () => {
    const bench = await createBench()
    const start = await prepareQuickstart(bench)
    const running = start()
    await eventually('a machine', async () =>
      (await qemuProcesses(bench.data)).length > 0 ? true : undefined,
    )
    running.kill('SIGTERM')
    const { all } = await running
    await eventually('no process', async () => ((await processesOf(bench)).length === 0 ? true : undefined))
    await expectNothingLeft(bench)
    expect(existsSync(join(bench.data, 'server.json'))).toBe(false)
    expect(all).not.toContain('Try next')
  })
})
