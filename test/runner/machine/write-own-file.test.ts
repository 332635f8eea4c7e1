import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { writeOwnFile } from '../../../runner/machine/write-own-file.ts'

it('writes no file of ours through a link that was put in its place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-own-file-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const target = join(folder, 'target')
  const place = join(folder, 'place')
  await writeFile(target, 'untouched')
  await symlink(target, place)
  await writeOwnFile(place, 'ours')
  expect((await stat(target)).size).toBe('untouched'.length)
  expect((await stat(place)).mode & 0o777).toBe(0o600)
})
