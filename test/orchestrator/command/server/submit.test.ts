import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ConfigError } from '../../../../config/errors.ts'
import { program } from '../../../../orchestrator/command/program.ts'
import type { StepCommand } from '../../../../runner/machine/machine.ts'
import { bundleMaker } from '../../submissions/bundle-of.ts'
import { oneJob, type ShownBuild, startWhole, type Whole } from '../../whole/whole-server.ts'

let whole: Whole

beforeAll(async () => {
  const does = ({ script }: StepCommand) => ({
    prints: [`doing ${script}\n`],
    exits: script.startsWith('fail') ? 7 : 0,
  })
  whole = await startWhole({ machine: { steps: does } })
})
afterAll(() => whole?.close())

/** A folder with these files, removed with the test. */
async function aFolder(files: Record<string, string>): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'mayfly-submitted-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  const folder = join(parent, 'engine')
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

/** What `mayfly ARGS` prints, and what it ends with; what it throws is thrown. */
async function mayfly(...args: string[]): Promise<{ output: string; code: number }> {
  const written: string[] = []
  const take = (chunk: string | Uint8Array) => {
    written.push(Buffer.from(chunk as Uint8Array).toString())
    return true
  }
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(take),
  )
  try {
    process.exitCode = undefined
    await program().parseAsync(['node', 'mayfly', ...args, '--server', whole.url])
    return { output: written.join(''), code: Number(process.exitCode ?? 0) }
  } finally {
    process.exitCode = undefined
    for (const spy of spies) spy.mockRestore()
  }
}

const lastUpload = () => whole.start.machines.at(-1)?.uploads[0]?.map(({ name }) => name) ?? []
const numberOfBuilds = async () =>
  ((await whole.api('GET', '/builds?limit=200')).body.items as unknown[]).length

describe('mayfly submit of a folder', () => {
  it('sends it as it is, follows the log, and ends with the verdict', async () => {
    const folder = await aFolder({
      '.mayfly.yml': oneJob,
      '.gitignore': 'secret.txt\n',
      'src/main.c': 'int main;',
      'secret.txt': 'no',
    })
    const place = join(folder, '..', 'tmp')
    await mkdir(place)
    vi.stubEnv('TMPDIR', place)
    const { output, code } = await mayfly('submit', folder, '--follow').finally(() => vi.unstubAllEnvs())
    expect(output).toContain('doing make\n')
    expect(output).toMatch(/build \w{26}: passed, local:local\/engine [0-9a-f]{12} on main\n/)
    expect(output).toContain(`${whole.url}/builds/`)
    expect(code).toBe(0)
    expect(lastUpload()).toEqual(expect.arrayContaining(['.mayfly.yml', '.gitignore', 'src/main.c', '.git']))
    expect(lastUpload()).not.toContain('secret.txt')
    expect(await readdir(place)).toEqual([])
  })

  it('sends the pipeline file alone, or one from outside of the folder, where that is asked for', async () => {
    const folder = await aFolder({ 'ci/one.yml': oneJob, 'src/main.c': 'x' })
    const file = join(folder, 'ci', 'one.yml')
    expect((await mayfly('submit', file, '--no-dir', '-f')).code).toBe(0)
    expect(lastUpload().filter((path) => !path.startsWith('.git'))).toEqual(['one.yml'])
    expect((await mayfly('submit', file, '--dir', folder, '-f')).code).toBe(0)
    expect(lastUpload()).toEqual(expect.arrayContaining(['ci/one.yml', 'src/main.c']))
    expect((await mayfly('submit', file, '--dir', join(folder, 'src'), '-f')).code).toBe(0)
    expect(lastUpload().filter((path) => !path.startsWith('.git'))).toEqual(['main.c', 'one.yml'])
  })

  it('ends with 1 where a step said no, and runs only the jobs that are named', async () => {
    const folder = await aFolder({
      '.mayfly.yml': 'jobs:\n  good:\n    steps: [{ run: fine }]\n  bad:\n    steps: [{ run: fail now }]\n',
    })
    const both = await mayfly('submit', folder, '-f')
    expect(both.code).toBe(1)
    expect(both.output).toContain('job good\n')
    expect(both.output).toContain('doing fail now\n')
    const one = await mayfly('submit', folder, '-f', '--job', 'good')
    expect(one.code).toBe(0)
    expect(one.output).not.toContain('fail now')
    await expect(mayfly('submit', folder, '--job', 'nobody')).rejects.toThrow(/nobody/)
  })

  it('tells a mistake in the pipeline file by file, line and column, and sends nothing', async () => {
    const folder = await aFolder({ 'ci.yml': 'steps:\n  - run: make\n    shel: bash\n' })
    const before = await numberOfBuilds()
    const submitting = mayfly('submit', join(folder, 'ci.yml'))
    await expect(submitting).rejects.toBeInstanceOf(ConfigError)
    await expect(submitting).rejects.toMatchObject({
      problems: [{ file: join(folder, 'ci.yml'), line: 3, column: 5 }],
    })
    expect(await numberOfBuilds()).toBe(before)
  })

  it('prints JSON and nothing else where that is asked for', async () => {
    const folder = await aFolder({ '.mayfly.yml': oneJob })
    const { output } = await mayfly('submit', folder, '-f', '--json')
    expect(JSON.parse(output)).toMatchObject({
      state: 'passed',
      repository: 'local:local/engine',
      event: 'manual',
    })
  })

  it('says what fits where the words do not', async () => {
    const folder = await aFolder({ '.mayfly.yml': oneJob })
    await expect(mayfly('submit', folder, '--ref', 'main')).rejects.toThrow(/expected --ref beside --repo/)
    await expect(mayfly('submit', folder, '--input', 'x')).rejects.toThrow(
      /expected --input KEY=VALUE, got "x"/,
    )
    await expect(mayfly('submit', join(folder, 'none.yml'))).rejects.toThrow(/found nothing/)
    await expect(mayfly('submit', folder, '--repo', 'github:a/b')).rejects.toThrow(/got both/)
  })
})

describe('mayfly submit of a registered repository', () => {
  it.each([['--repo', 'github:octo/known'], ['github:octo/known']])('still takes %s', async (...args) => {
    const known = (await whole.builds('octo/known')).length > 0
    if (!known) await whole.repository('octo/known', { '.mayfly.yml': oneJob })
    const { output, code } = await mayfly('submit', ...args, '--ref', 'main', '-f')
    expect(output).toMatch(/passed, github:octo\/known/)
    expect(code).toBe(0)
    await expect(mayfly('submit', ...args, '--ref', 'gone')).rejects.toThrow(/found no such branch or tag/)
  })
})

describe('POST /api/v1/submissions', () => {
  const post = async (query: string, bundle: Buffer) => {
    const body = new Uint8Array(bundle)
    const answer = await fetch(`${whole.url}/api/v1/submissions?${query}`, { method: 'POST', body })
    return {
      status: answer.status,
      body: (await answer.json()) as ShownBuild & { error?: { message: string } },
    }
  }

  it('takes what git bundle made, and answers a broken pipeline file by file, line and column', async () => {
    const maker = await bundleMaker()
    const content = 'steps:\n  - run: make\n    shel: bash\n'
    maker.commit([{ mode: '100644', name: 'ci.yml', content }])
    const bundle = await maker.bundle('main')
    const broken = await post('name=by-hand&file=ci.yml', bundle)
    expect(broken.status).toBe(201)
    expect(broken.body).toMatchObject({ state: 'errored', jobs: [] })
    expect(broken.body.problem).toMatch(/^ci\.yml:3:5: .*"shell"/)
    // Planned anew from the same file, although the repository has no word on it.
    const again = await whole.api('POST', `/builds/${broken.body.id}/retry`)
    expect(again.body.problem).toBe(broken.body.problem)
    const missing = await post('name=by-hand', bundle)
    expect(missing.body.problem).toMatch(/^\.mayfly\.yml: expected a pipeline file at commit/)
  })

  it('gives no secret of the host to whoever may submit, but those that an admin gave to that very folder', async () => {
    for (const [scope, name] of [
      ['host', 'OTHERS'],
      ['local%3Alocal%2Fgiven', 'OWN'],
    ])
      await whole.api('PUT', `/secrets/${scope}/${name}`, { value: `a-value-of-${name}` })
    const files = { '.mayfly.yml': `secrets: [OTHERS, OWN]\n${oneJob}` }
    const secrets = async (name: string) => {
      const folder = await aFolder(files)
      await mayfly('submit', join(folder, '.mayfly.yml'), '--dir', await renamed(folder, name), '-f')
      return whole.start.machines.at(-1)?.secrets
    }
    expect(await secrets('given')).toEqual({ OWN: 'a-value-of-OWN' })
    expect(await secrets('another')).toEqual({})
  })
})

/** The folder's sibling of another name, with nothing in it but its name. */
async function renamed(folder: string, name: string): Promise<string> {
  const path = join(folder, '..', name)
  await mkdir(path)
  return path
}
