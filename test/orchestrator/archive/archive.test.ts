import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { buildFolderPath } from '../../../orchestrator/archive/filenames.ts'
import { aBuild, aJob } from '../store/records.ts'

async function anArchive() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-archive-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return { folder, archive: createArchive({ folder }) }
}

async function anAttempt(folder: string, name: string): Promise<string> {
  const path = join(folder, 'jobs', name)
  await mkdir(join(path, 'artifacts', 'deep'), { recursive: true })
  for (const file of ['record.json', 'timeline.jsonl', 'log', 'log.lines', 'log.times', 'console'])
    await writeFile(join(path, file), file)
  await writeFile(join(path, 'artifacts', 'deep', 'a.txt'), 'a')
  return path
}

it('keeps all that the index has of a build and its jobs, for its owner only', async () => {
  const { folder, archive } = await anArchive()
  const build = aBuild({ state: 'passed', ended: '2026-01-02T04:00:00.000Z' })
  const jobs = [aJob(build.id, 'one', { state: 'passed' }), aJob(build.id, 'two', { state: 'skipped' })]
  await archive.keep(build, jobs)
  const read = await archive.read(build.id)
  // As JSON has it: what is undefined is absent, in Redis as here.
  expect(read).toEqual(JSON.parse(JSON.stringify({ format: 1, build, jobs })))
  const file = join(folder, 'builds', build.id, 'record.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await archive.read('01jaaaaaaaaaaaaaaaaaaaaaaa')).toBeUndefined()
})

it('is at all times read as the one record or the other, whoever writes at once', async () => {
  const { folder, archive } = await anArchive()
  const build = aBuild()
  const titles = ['x'.repeat(200_000), 'y'.repeat(10)]
  const records = titles.map((title) => ({ ...build, trigger: { ...build.trigger, title } }))
  await archive.keep(records[0] ?? build, [])
  const writing = Promise.all(
    Array.from({ length: 30 }, (_, index) => archive.keep(records[index % 2] ?? build, [])),
  )
  for (let look = 0; look < 30; look += 1)
    expect(titles).toContain((await archive.read(build.id))?.build.trigger.title)
  await writing
  expect(await readdir(join(folder, 'builds', build.id))).toEqual(['record.json'])
})

it('removes logs, artifacts and all of a build, and nothing of another', async () => {
  const { folder, archive } = await anArchive()
  const build = aBuild()
  await archive.keep(build, [])
  const [first, second] = [await anAttempt(folder, `${build.id}-a-1`), await anAttempt(folder, 'other-1')]
  await archive.removeArtifacts([`${build.id}-a-1`, `${build.id}-a-2`])
  expect((await readdir(first)).sort()).toEqual(
    ['console', 'log', 'log.lines', 'log.times', 'record.json', 'timeline.jsonl'].sort(),
  )
  await archive.removeLogs([`${build.id}-a-1`])
  expect(await readdir(first)).toEqual(['record.json'])
  await archive.remove(build.id, [`${build.id}-a-1`])
  await archive.remove(build.id, [`${build.id}-a-1`])
  expect(await readdir(join(folder, 'jobs'))).toEqual(['other-1'])
  expect(await readdir(join(folder, 'builds'))).toEqual([])
  expect(await readFile(join(second, 'artifacts', 'deep', 'a.txt'), 'utf8')).toBe('a')
})

it('takes no name that leads out of it', async () => {
  const { folder, archive } = await anArchive()
  await expect(archive.remove('../..', [])).rejects.toThrow(RangeError)
  await expect(archive.remove('fine', ['../../etc'])).rejects.toThrow(RangeError)
  expect(() => buildFolderPath(folder, '')).toThrow(RangeError)
})
