import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { type BackUp, backUp } from '../../../orchestrator/backup/back-up.ts'
import { restore } from '../../../orchestrator/backup/restore.ts'

const { signal } = new AbortController()
const now = () => new Date('2026-01-02T03:04:05.000Z')
const files = {
  'deliveries/2026-01-02.jsonl': '{}\n',
  'builds/b1/record.json': '{"format":1}\n',
  'builds/b1/changes/build.2.json': '{}\n',
  'submissions/local%3Aann%2Fengine/01a.bb.bundle': 'bundle\n',
  'jobs/b1-main-1/log': 'hello\n',
  'jobs/b1-main-1/artifacts/left.tmp': 'kept\n',
  'register.json': '{}\n',
  'gateway/host-key': 'key\n',
  'results/r.json': '{}\n',
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mayfly-backup-test-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

/** An installation with some of everything, and of what comes back by itself. */
async function installation() {
  const data = join(await folder(), 'data')
  for (const [name, text] of Object.entries({
    ...files,
    'images/disk': 'x',
    'host/processes/p.json': '{}',
  })) {
    await mkdir(dirname(join(data, name)), { recursive: true, mode: 0o700 })
    await writeFile(join(data, name), text, { mode: 0o600 })
  }
  await symlink('/etc/passwd', join(data, 'jobs/b1-main-1/artifacts/link'))
  return data
}

const order = (data: string, to: string): BackUp => ({
  ...{ archiveFolder: data, dataFolder: data, to, withJobs: true, bucket: undefined, now, signal },
})
const back = (from: string, data: string) =>
  restore({ from, archiveFolder: data, dataFolder: data, bucket: undefined, signal })

async function contents(data: string): Promise<Record<string, string>> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true })
  const read = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(data.length + 1), await readFile(path, 'utf8')] as const
    })
  return Object.fromEntries(await Promise.all(read))
}

describe('a backup', () => {
  it('has all that does not come back by itself, to the byte, and nothing else', async () => {
    const [data, to, other] = [await installation(), join(await folder(), 'b.tar.zst'), await folder()]
    expect(await backUp(order(data, to))).toEqual({ format: 1, created: now().toISOString(), jobs: true })
    expect((await stat(to)).mode & 0o777).toBe(0o600)
    expect(existsSync(`${to}.part`)).toBe(false)
    expect(await back(to, other)).toMatchObject({ jobs: true })
    expect(await contents(other)).toEqual(files)
    expect((await stat(join(other, 'gateway/host-key'))).mode & 0o777).toBe(0o600)
    expect((await readdir(other)).sort()).toEqual([
      'builds',
      'deliveries',
      'gateway',
      'jobs',
      'register.json',
      'results',
      'submissions',
    ])
  })

  it('can do without logs and artifacts', async () => {
    const [data, to, other] = [await installation(), join(await folder(), 'b.tar.zst'), await folder()]
    await backUp({ ...order(data, to), withJobs: false })
    expect(await back(to, other)).toMatchObject({ jobs: false })
    expect(await readdir(other)).not.toContain('jobs')
  })

  it('keeps an archive of its own apart from the data folder', async () => {
    const [data, to, other] = [await installation(), join(await folder(), 'b.tar.zst'), await folder()]
    const archive = join(await folder(), 'archive')
    await mkdir(archive)
    for (const name of ['builds', 'deliveries', 'jobs', 'register.json'])
      execFileSync('mv', [join(data, name), archive])
    await backUp({ ...order(data, to), archiveFolder: archive })
    const places = { archiveFolder: join(other, 'archive'), dataFolder: join(other, 'data') }
    await restore({ from: to, ...places, bucket: undefined, signal })
    expect(await readdir(join(other, 'data'))).toEqual(['gateway', 'results'])
    expect((await readdir(join(other, 'archive'))).sort()).toEqual([
      'builds',
      'deliveries',
      'jobs',
      'register.json',
    ])
  })

  it('of an installation with a bucket has what has not been brought there, and goes to the same bucket only', async () => {
    const [data, to, other] = [await installation(), join(await folder(), 'b.tar.zst'), await folder()]
    const bucket = 's3://ci/mayfly'
    await mkdir(join(data, 'waiting'))
    await writeFile(join(data, 'waiting', 'one'), 'object')
    await backUp({ ...order(data, to), bucket })
    await expect(back(to, other)).rejects.toThrow(`expected an installation whose archive is ${bucket}`)
    await restore({ from: to, archiveFolder: other, dataFolder: other, bucket, signal })
    expect((await readdir(other)).sort()).toEqual(['gateway', 'jobs', 'results', 'waiting'])
  })

  it('is made while logs grow', async () => {
    const [data, to] = [await installation(), join(await folder(), 'b.tar.zst')]
    const log = join(data, 'jobs/b1-main-1/log')
    let isOver = false
    const growing = (async () => {
      for (let line = 0; line < 100_000 && !isOver; line++)
        await appendFile(log, `line ${line} of a log that grows\n`)
    })()
    await backUp(order(data, to))
    isOver = true
    await growing
    const other = await folder()
    await back(to, other)
    const kept = await readFile(join(other, 'jobs/b1-main-1/log'), 'utf8')
    expect(kept).toContain('hello\n')
    expect((await readFile(log, 'utf8')).startsWith(kept)).toBe(true)
  })

  it('takes the place of no other file, and leaves nothing where it could not be made', async () => {
    const [data, to] = [await installation(), join(await folder(), 'b.tar.zst')]
    await writeFile(to, 'mine')
    await expect(backUp(order(data, to))).rejects.toThrow(ConfigError)
    expect(await readFile(to, 'utf8')).toBe('mine')
    const none = join(await folder(), 'nowhere', 'b.tar.zst')
    await expect(backUp(order(data, none))).rejects.toThrow('ENOENT')
    expect(existsSync(dirname(none))).toBe(false)
  })
})

describe('what is restored', () => {
  it('never mixes with what is there', async () => {
    const [data, to] = [await installation(), join(await folder(), 'b.tar.zst')]
    await backUp(order(data, to))
    const before = await contents(data)
    await expect(back(to, data)).rejects.toThrow('expected nothing of an installation')
    expect(await contents(data)).toEqual(before)
  })

  it('goes into the folders that a server made and left empty', async () => {
    const [data, to, other] = [await installation(), join(await folder(), 'b.tar.zst'), await folder()]
    await backUp(order(data, to))
    for (const name of ['builds', 'jobs']) await mkdir(join(other, name))
    await back(to, other)
    expect(await contents(other)).toEqual(files)
  })

  it.each([
    ['no tar', 'hello'],
    ['a tar of something else', undefined],
  ])('is refused from %s, with nothing changed', async (_what, text) => {
    const [from, other] = [join(await folder(), 'b.tar.zst'), await folder()]
    if (text === undefined) execFileSync('tar', ['--zstd', '-cf', from, '-C', '/etc', 'hostname'])
    else await writeFile(from, text)
    await expect(back(from, other)).rejects.toThrow('expected a backup that `mayfly backup` made')
    expect(await readdir(other)).toEqual([])
  })

  it('is nothing at all of a backup that was cut short', async () => {
    const [data, to, other] = [await installation(), join(await folder(), 'b.tar.zst'), await folder()]
    await writeFile(
      join(data, 'jobs/b1-main-1/big'),
      Buffer.from(Array.from({ length: 2 ** 20 }, () => Math.random() * 256)),
    )
    await backUp(order(data, to))
    const whole = await readFile(to)
    await writeFile(to, whole.subarray(0, whole.length / 2))
    await expect(back(to, other)).rejects.toThrow()
    expect(await readdir(other)).toEqual([])
  })
})
