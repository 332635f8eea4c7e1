import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, it, onTestFinished } from 'vitest'
import { tarSource } from '../../../../orchestrator/command/repro/tar-source.ts'
import { directorySource } from '../../../../runner/source/directory-source.ts'
import { unpack } from '../../../runner/source/unpack.ts'

const { signal } = new AbortController()

it('gives of an archive what the folder that it was made of would have given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-tar-source-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const work = join(folder, 'work')
  await mkdir(join(work, 'a', 'deep'), { recursive: true })
  const big = 'x'.repeat(300_000)
  const files = { 'package.json': '{}', 'a/one.txt': '1', 'a/deep/two.txt': big, 'other.bin': 'o' }
  for (const [path, content] of Object.entries(files)) await writeFile(join(work, path), content)
  const from = directorySource({ directory: work, limits: { bytes: 2 ** 20 } })
  const file = join(folder, 'files.tar')
  await pipeline((await from.tree(signal)).stream, createWriteStream(file))

  const source = tarSource(file)
  const all = await unpack((await source.tree(signal)).stream)
  expect(all).toEqual(await unpack((await from.tree(signal)).stream))
  expect(all.map(({ name }) => name)).toContain('other.bin')

  const patterns = ['package.json', 'a/**/*.txt', 'gone.lock']
  const [some, same] = await Promise.all([source.files(patterns, signal), from.files(patterns, signal)])
  expect(await unpack(some.stream)).toEqual(await unpack(same.stream))
  expect(some.notes).toEqual(['nothing matches "gone.lock"'])
})
