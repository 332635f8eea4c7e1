import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'

const hundredMegabytes = 100_000_000

/** The most memory that a process has ever had, in MiB, asked until it is gone. */
async function peakMemory(pid: number): Promise<number> {
  let peak = 0
  for (;;) {
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
    if (found === undefined) return peak / 1024
    peak = Math.max(peak, Number(found))
    await sleep(100)
  }
}

describe('a job with odd output', () => {
  it('keeps every byte of a binary, of CRLF scripts and of 100 MB without a line break, in bounded memory', async () => {
    const bench = await createBench()
    const binary = randomBytes(300_000)
    await writeFile(join(bench.work, 'binary'), binary)
    const lines = [
      'resources: { cpus: 2, memory: 512MiB }',
      'network: none',
      'steps:',
      '  - name: crlf',
      '    run: |',
      '      test "$(printf %s word)" = word',
      '      echo one',
      '  - name: binary',
      '    run: cat binary',
      '  - name: endless',
      `    run: head -c ${hundredMegabytes} /dev/zero | tr '\\0' x`,
      '  - name: last',
      '    run: echo the end',
    ]
    await writeFile(join(bench.work, '.mayfly.yml'), lines.join('\r\n'))
    const mayfly = bench.mayfly(['run'])
    const peak = peakMemory(mayfly.pid ?? 0)
    const run = await bench.result(mayfly)
    expect(run.record).toMatchObject({ verdict: 'passed' })
    expect(run.code).toBe(0)

    const log = Buffer.from(run.log, 'latin1')
    const output = (name: string) => {
      const step = run.record?.steps.find((one) => one.name === name)
      return log.subarray(step?.start, step?.end)
    }
    expect(output('crlf').toString()).toBe('one\n')
    expect(output('binary').equals(binary)).toBe(true)
    expect(output('endless').length).toBe(hundredMegabytes)
    expect(output('endless').equals(Buffer.alloc(hundredMegabytes, 'x'))).toBe(true)
    expect(output('last').toString()).toBe('the end\n')
    expect(await peak).toBeLessThan(200)
    await expectNothingLeft(bench)
  })

  it('keeps the log within the limit of the host file and says so in it', async () => {
    const bench = await createBench()
    await writeFile(join(bench.work, 'host.yml'), 'limits: { log_bytes: 1MiB }\n')
    const run = await bench.run(
      `
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - run: yes | head -c 5000000
`,
      ['--config', 'host.yml'],
    )
    expect(run.record).toMatchObject({ verdict: 'passed' })
    expect(run.log).toMatch(/log limit of 1MiB reached: the rest is not kept\n$/)
    expect(run.log.length).toBeLessThan(2 ** 20 + 200)
    expectNoStackTrace(run.output)
    await expectNothingLeft(bench)
  })
})
