import { existsSync } from 'node:fs'
import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withLock } from '../../../images/lock.ts'
import { createMirror } from '../../../orchestrator/git/create-mirror.ts'
import { mirrorFolder, mirrorLock, mirrorsFolder, mirrorUsers } from '../../../orchestrator/git/filenames.ts'
import type { Mirror } from '../../../orchestrator/git/mirror.ts'
import { whileUsed } from '../../../orchestrator/git/mirror-use.ts'
import { pruneMirrors } from '../../../orchestrator/git/prune-mirrors.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import { eventually } from '../../eventually.ts'
import { type GitServer, startGitServer } from '../git-server.ts'
import { type TestParts, testParts, testRepository } from './mirror-parts.ts'

const { signal } = new AbortController()
const names = ['octo/a', 'octo/b', 'octo/c'] as const

let server: GitServer
let parts: TestParts
let mirror: Mirror
const known = new Map<string, { repository: Repository; sha: string }>()

beforeEach(async () => {
  server = await startGitServer()
  parts = await testParts()
  mirror = createMirror(parts)
  for (const name of names) {
    const { cloneUrl, sha } = await server.createRepository(name, { 'a.txt': `${name}\n` })
    const repository = testRepository({ name, cloneUrl })
    known.set(name, { repository, sha })
    await mirror.fetch(repository, { ref: 'refs/heads/main', sha }, signal)
  }
})

afterEach(async () => {
  await server.close()
  await parts.remove()
})

const of = (name: (typeof names)[number]) => {
  const one = known.get(name)
  if (one === undefined) throw new Error(`expected ${name}`)
  return one
}
const folderOf = (name: string) => mirrorFolder(parts.dataFolder, `gitea:${name}`)
const left = () => names.filter((name) => existsSync(folderOf(name)))
const prune = (bytes: number, youngMs = 0) =>
  pruneMirrors({ dataFolder: parts.dataFolder, bytes, log: parts.log, youngMs })

/** As if it had last been used so many seconds ago. */
async function age(name: string, seconds: number): Promise<void> {
  const then = new Date(Date.now() - seconds * 1000)
  const folder = folderOf(name)
  for (const path of [folder, join(folder, 'objects'), mirrorUsers(parts.dataFolder, `gitea:${name}`)])
    await utimes(path, then, then).catch(() => undefined)
}

describe('mirrors of repositories', () => {
  it('go where room is needed, the one that was not used for longest first, and come back when one is read', async () => {
    for (const [index, name] of names.entries()) await age(name, 300 - index * 100)
    // To read is to use.
    const { repository, sha } = of('octo/a')
    await mirror.readFile(repository, sha, 'a.txt', signal)
    expect(await prune(1)).toBe(1)
    expect(left()).toEqual(['octo/a', 'octo/c'])
    const gone = of('octo/b')
    expect(await mirror.readFile(gone.repository, gone.sha, 'a.txt', signal)).toBe('octo/b\n')
    expect(left()).toEqual(names)
  })

  it('stay where they were used a moment ago, for what was fetched is about to be read', async () => {
    await age('octo/c', 700)
    expect(await prune(2 ** 30, 600_000)).toBe(1)
    expect(left()).toEqual(['octo/a', 'octo/b'])
  })

  it('stay while somebody reads from them or fetches into them, whatever room is needed', async () => {
    for (const name of names) await age(name, 900)
    const { repository, sha } = of('octo/a')
    const commit = { sha, ref: undefined }
    const removed = await whileUsed({ parts, repository, commit, signal }, () =>
      withLock({ path: mirrorLock(parts.dataFolder, 'gitea:octo/b'), signal }, () => prune(2 ** 30)),
    )
    expect(removed).toBe(1)
    expect(left()).toEqual(['octo/a', 'octo/b'])
    expect(await prune(2 ** 30)).toBe(2)
    expect(await readdir(mirrorsFolder(parts.dataFolder))).toEqual(['.locks', '.users'])
  })

  it('are read whole or anew while they are pruned again and again', async () => {
    const { repository, sha } = of('octo/a')
    let isOver = false
    let removed = 0
    const pruning = (async () => {
      while (!isOver) removed += await prune(2 ** 30)
    })()
    for (let count = 0; count < 5; count++) {
      expect(await mirror.readFile(repository, sha, 'a.txt', signal)).toBe('octo/a\n')
      await eventually('it to be pruned', async () => (left().length === 0 ? true : undefined))
    }
    isOver = true
    await pruning
    expect(removed).toBeGreaterThanOrEqual(5)
  })
})
