import { spawnSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeMirror } from '../../../orchestrator/git/mirror-folder.ts'
import { tidyMirror } from '../../../orchestrator/git/tidy-mirror.ts'
import { type TestParts, testParts } from './mirror-parts.ts'

let parts: TestParts
let folder: string
const signal = new AbortController().signal

beforeEach(async () => {
  parts = await testParts()
  folder = join(parts.dataFolder, 'x.git')
  await makeMirror({ parts, folder, sha: 'a'.repeat(40), signal })
})
afterEach(() => parts.remove())

function git(args: string[], input = ''): string {
  return spawnSync('git', ['--git-dir', folder, ...args], { input, encoding: 'utf8' }).stdout.trim()
}

describe('tidyMirror', () => {
  it('puts many small packs together and loses no object', async () => {
    const blobs: string[] = []
    for (let index = 0; index < 12; index++) {
      const blob = git(['hash-object', '-w', '--stdin'], `${index}`)
      blobs.push(blob)
      git(['pack-objects', '--quiet', join(folder, 'objects/pack/pack')], blob)
    }
    git(['prune-packed'])
    await tidyMirror({ parts, folder, sha: '', signal })
    const packs = (await readdir(join(folder, 'objects/pack'))).filter((name) => name.endsWith('.pack'))
    expect(packs).toHaveLength(1)
    for (const [index, blob] of blobs.entries()) expect(git(['cat-file', 'blob', blob])).toBe(`${index}`)
  })

  it('puts many commits that are kept into one file', async () => {
    const tree = git(['mktree'])
    const commit = git(['-c', 'user.name=a', '-c', 'user.email=b', 'commit-tree', '-m', 'x', tree])
    const refs = join(folder, 'refs/mayfly/commits')
    await mkdir(refs, { recursive: true })
    for (let index = 0; index <= 500; index++) await writeFile(join(refs, `c${index}`), `${commit}\n`)
    await tidyMirror({ parts, folder, sha: '', signal })
    expect(await readdir(refs).catch(() => [])).toEqual([])
    expect(git(['rev-parse', 'refs/mayfly/commits/c7'])).toBe(commit)
  })
})
