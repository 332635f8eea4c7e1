import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { expectErrored } from './expect-end.ts'

describe('a passed job whose artifacts go beyond the limits of the host file', () => {
  it.each([
    ['number', 'artifact_count: 2', 'expected at most 2 artifacts, got more: "out/c" is one too many'],
    ['size', 'artifact_bytes: 1MiB', 'expected at most 1 MiB of artifacts, got more: "out/c" goes beyond it'],
  ])('is errored as collect when it is their %s, with those that fit', async (_, limit, says) => {
    const bench = await createBench()
    await writeFile(join(bench.work, 'host.yml'), `limits: { ${limit} }\n`)
    const run = await bench.run(
      `
resources: { cpus: 2, memory: 512MiB }
network: none
steps: [ { run: "mkdir out; echo a >out/a; echo b >out/b; truncate -s 2M out/c" } ]
artifacts: [ "out/*" ]
`,
      ['--config', 'host.yml'],
    )
    expectErrored(run, { failure: 'collect', says: [says, 'raise the limit in the host file'] })
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['passed'])
    expect(run.record?.artifacts.map(({ path }) => path)).toEqual(['out/a', 'out/b'])
    expect(existsSync(join(run.folder, 'artifacts', 'out', 'c'))).toBe(false)
    await expectNothingLeft(bench)
  })
})
