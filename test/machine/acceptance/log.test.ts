import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findProgram } from '../../../runner/host/find-program.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - run: |
      echo marker-$((40 + 2))
      for n in $(seq 300); do echo "line $n of 300"; done
      echo console-only-$((50 + 5)) | sudo tee /dev/ttyS0 >/dev/null
  - run: |
      echo to-stderr-$((60 + 6)) >&2
`

describe('the log of a job', () => {
  it('AC4, AC9: has every line once, and needs a host with no program that writes CDs', async () => {
    const bench = await createBench()
    const path = join(bench.data, '..', 'bin')
    await mkdir(path)
    for (const name of ['qemu-system-x86_64', 'qemu-img', 'prlimit', 'setpriv', 'git']) {
      await symlink((await findProgram(name)) ?? '', join(path, name))
    }
    const watched = await watchRun(bench, { pipeline, env: { PATH: path } })
    const { code, log, console } = await watched.ended()
    expect(code).toBe(0)

    expectOnce(log, 'marker-42\n')
    for (let n = 1; n <= 300; n++) expectOnce(log, `\nline ${n} of 300\n`)
    expectOnce(log, 'to-stderr-66\n')
    expectOnce(console, 'console-only-55')
    expect(console).toContain('mayfly: seed read')
    // Two streams on one timeline: neither holds what the other has.
    expect(log).not.toContain('console-only-55')
    expect(log).not.toContain('Linux version')
    expect(console).not.toContain('marker-42')
    await expectNothingLeft(bench)
  })
})

function expectOnce(text: string, part: string): void {
  expect({ part, times: text.split(part).length - 1 }).toEqual({ part, times: 1 })
}
