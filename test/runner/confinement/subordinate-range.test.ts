import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { subordinateRange } from '../../../runner/confinement/subordinate-range.ts'

async function rangeOf(uids: string, gids = uids) {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-range-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const files = { uids: join(folder, 'subuid'), gids: join(folder, 'subgid') }
  await writeFile(files.uids, uids)
  await writeFile(files.gids, gids)
  return await subordinateRange({ uid: 990, gid: 991 }, files)
}

it('the range of machines is the first that is given to their user by name or number, as long as both files have it', async () => {
  const given = 'ann:100000:65536\nmayfly-qemu:300000:50\nmayfly-qemu:700000:9\n'
  expect(await rangeOf(given, '990:400000:20\n')).toEqual({ uid: 300_000, gid: 400_000, count: 20 })
})

it.each([
  ['none for this user', 'ann:100000:65536\n'],
  ['one that holds root', 'mayfly-qemu:0:65536\n'],
  ['one without an end', 'mayfly-qemu:300000\n'],
  ['one that goes on to nobody', 'mayfly-qemu:300000:4294967295\n'],
  ['an empty one', 'mayfly-qemu:300000:0\n'],
  ['no number', 'mayfly-qemu:many:more\n'],
])('there is no range where the file has %s', async (_what, text) => {
  expect(await rangeOf(text)).toBeUndefined()
  expect(await rangeOf('mayfly-qemu:300000:5\n', text)).toBeUndefined()
})

it('there is no range where there is no file', async () => {
  const files = { uids: '/nonexistent/subuid', gids: '/nonexistent/subgid' }
  expect(await subordinateRange({ uid: 990, gid: 991 }, files)).toBeUndefined()
})
