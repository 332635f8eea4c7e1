import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectNothingLeft } from '../../machine/mayfly.ts'
import { createCommandBench, expectRefusal } from './command-bench.ts'

type BadPipeline = { readonly what: string; readonly text: string; readonly says: readonly string[] }

const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
for (const [from, to] of ['ab', 'bc', 'cd', 'de'])
  bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(', ')}]`)

const badPipelines: readonly BadPipeline[] = [
  {
    what: 'an unknown key, with the nearest known one',
    text: 'artefacts: [ "*.txt" ]\nsteps: [ { run: make } ]\n',
    says: ['.mayfly.yml:1:1: unknown key "artefacts"', 'did you mean "artifacts"?'],
  },
  {
    what: 'a duplicate key',
    text: 'steps: [ { run: make } ]\nsteps: [ { run: make check } ]\n',
    says: ['.mayfly.yml:2:1: the key "steps" is given twice'],
  },
  {
    what: 'a value of the wrong type, every one of them',
    text: 'steps: [ { run: make, timeout: [ 1 ] } ]\nresources: { cpus: two }\n',
    says: [
      '2 problems',
      '.mayfly.yml:1:32: steps[0].timeout: expected a duration such as 90s, 10m or 1h30m, found a list',
      '.mayfly.yml:2:20: resources.cpus: expected a whole number of processors from 1 to 256, found "two"',
    ],
  },
  {
    what: 'a file without steps',
    text: 'image: debian-12-local\n',
    says: ['.mayfly.yml:1:1: steps: expected a list of at least one step, found nothing'],
  },
  {
    what: 'an empty list of steps',
    text: 'steps: []\n',
    says: ['.mayfly.yml:1:8: steps: expected a list of at least one step, found an empty list'],
  },
  {
    what: 'a need that does not exist, with the nearest job',
    text: 'jobs:\n  build: { steps: [ { run: make } ] }\n  test: { needs: biuld, steps: [ { run: make } ] }\n',
    says: [
      '.mayfly.yml:3:18: jobs.test.needs: expected the name of a job',
      '"biuld"',
      'Did you mean "build"?',
    ],
  },
  {
    what: 'needs that go in a circle',
    text: 'jobs:\n  a: { needs: b, steps: [ { run: make } ] }\n  b: { needs: a, steps: [ { run: make } ] }\n',
    says: ['.mayfly.yml:2:15: jobs.a.needs: jobs wait for each other in a circle: a -> b -> a'],
  },
  {
    what: 'text that is no YAML',
    text: 'steps: [ { run: make }\n',
    says: ['.mayfly.yml:2:1: not valid YAML'],
  },
  {
    what: 'a YAML bomb',
    text: `${bomb.join('\n')}\nsteps: [ { run: *e } ]\n`,
    says: ['.mayfly.yml:1:1: expected aliases that unfold to at most 100 values, found a YAML bomb'],
  },
  {
    what: 'nesting without end',
    text: `steps: ${'['.repeat(100_000)}\n`,
    says: ['expected at most 30 levels of nesting, found more'],
  },
  {
    what: 'a step with a NUL byte',
    text: 'steps:\n  - run: "echo a\\0b"\n',
    says: ['.mayfly.yml:2:10: steps[0].run: expected a script without NUL bytes'],
  },
  {
    what: 'a step with a raw NUL byte in the file',
    text: 'steps: [ { run: "\u0000" } ]\n',
    says: ['.mayfly.yml:1:17: steps[0].run: expected a script without NUL bytes'],
  },
]

describe('mayfly run and mayfly validate refuse a pipeline file with its line and the way out', () => {
  it.each(badPipelines.map((bad) => [bad.what, bad] as const))('that has %s', async (_, { text, says }) => {
    const bench = await createCommandBench()
    const run = await bench.run(text)
    expectRefusal({ run, code: 2, says })
    expect(await readdir(bench.data)).toEqual([])
    const { exitCode, all } = await bench.mayfly(['validate'])
    expectRefusal({ run: { code: exitCode, output: String(all) }, code: 2, says })
    await expectNothingLeft(bench)
  })

  it('that names an unknown image, with all known ones', async () => {
    const bench = await createCommandBench()
    const run = await bench.run('image: debian-12-lokal\nsteps: [ { run: make } ]\n')
    const known = ['ubuntu-22.04', 'ubuntu-24.04', 'debian-12', 'debian-13', 'rocky-9', 'almalinux-9']
    expectRefusal({
      run,
      code: 2,
      says: ['unknown image "debian-12-lokal"', ...known, 'debian-12-local', 'Did you mean debian-12-local?'],
    })
    expect(existsSync(join(bench.data, 'jobs'))).toBe(false)
    await expectNothingLeft(bench)
  })

  it('that is not there, is a folder without one, or is not text', async () => {
    const bench = await createCommandBench()
    const absent = await bench.mayfly(['run'])
    expectRefusal({
      run: { code: absent.exitCode, output: String(absent.all) },
      code: 2,
      says: ['expected the pipeline file at .mayfly.yml, found nothing'],
    })
    await writeFile(join(bench.work, 'latin.yml'), Buffer.from([0x73, 0x3a, 0x20, 0xe9, 0x0a]))
    const latin = await bench.mayfly(['run', 'latin.yml'])
    expectRefusal({
      run: { code: latin.exitCode, output: String(latin.all) },
      code: 2,
      says: ['expected the pipeline file latin.yml to be UTF-8 text'],
    })
    await expectNothingLeft(bench)
  })

  it('when the command line has an option or a job that is not known', async () => {
    const bench = await createCommandBench()
    const option = await bench.mayfly(['run', '--immage', 'debian-12'])
    expect(option.all).toContain("unknown option '--immage'")
    expect(option.all).toContain('--image')
    expect(option.exitCode).toBe(2)
    const job = await bench.run('jobs: { build: { steps: [ { run: make } ] } }\n', ['--job', 'biuld'])
    expectRefusal({
      run: job,
      code: 2,
      says: ['expected a job of .mayfly.yml (build), got "biuld"', '--job build'],
    })
    await expectNothingLeft(bench)
  })
})
