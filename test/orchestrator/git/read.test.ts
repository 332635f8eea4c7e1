import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { createMirror } from '../../../orchestrator/git/create-mirror.ts'
import type { Mirror } from '../../../orchestrator/git/mirror.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import { type GitServer, startGitServer } from '../git-server.ts'
import { type TestParts, testParts, testRepository } from './mirror-parts.ts'

let server: GitServer
let parts: TestParts
let repository: Repository
let mirror: Mirror
let first: string
let second: string
const signal = new AbortController().signal
const main = 'refs/heads/main'

beforeAll(async () => {
  server = await startGitServer()
  parts = await testParts()
  mirror = createMirror(parts)
  const made = await server.createRepository('owner/name', {
    '.mayfly.yml': 'steps: [make]\n',
    'folder/file': 'x',
    link: { link: '/etc/passwd' },
    binary: Buffer.from([0xff, 0xfe]),
    big: 'x'.repeat(70_000),
    'a*': 'star',
    'new\nline "ü"': 'odd',
  })
  first = made.sha
  repository = testRepository({ cloneUrl: made.cloneUrl })
  second = await server.commit(
    'owner/name',
    { 'folder/file': 'y', 'a*': null, 'new\nline "ü"': 'changed', added: { executable: '#!/bin/sh' } },
    { message: 'Change a few things\n\nBecause: they were\nwrong.\n', author: 'Änne O’Hand' },
  )
  await mirror.fetch(repository, { ref: main, sha: second }, signal)
})
afterAll(async () => {
  await server.close()
  await parts.remove()
})

describe('readFile', () => {
  const read = (path: string, sha = first) => mirror.readFile(repository, sha, path, signal)

  it('gives the text of a file at its commit', async () => {
    expect(await read('.mayfly.yml')).toBe('steps: [make]\n')
    expect(await read('folder/file')).toBe('x')
    expect(await read('folder/file', second)).toBe('y')
  })

  it('gives undefined where there is none, and takes patterns literally', async () => {
    expect(await read('none')).toBeUndefined()
    expect(await read('folder/none/deeper')).toBeUndefined()
    expect(await read('a*')).toBe('star')
    expect(await read('b*')).toBeUndefined()
    expect(await read(':(glob)**')).toBeUndefined()
    expect(await read('--help')).toBeUndefined()
  })

  it('follows no link, and reads no folder', async () => {
    await expect(read('link')).rejects.toThrow(/expected a file at link in .*, got a symbolic link/)
    await expect(read('folder')).rejects.toThrow(/got a folder/)
  })

  it('refuses what is too large, what is no text, and paths that leave the repository', async () => {
    await expect(read('big')).rejects.toThrow('expected big to have at most 64 KiB, got 68.4 KiB')
    await expect(read('binary')).rejects.toThrow('expected UTF-8 text in binary')
    for (const path of ['../x', '/etc/passwd', 'a/../../b', '', 'a\0b']) {
      await expect(read(path)).rejects.toThrow(ConfigError)
    }
  })
})

describe('changedFiles', () => {
  const changed = (from: string | undefined, to: string) => mirror.changedFiles(repository, from, to, signal)

  it('names what was changed, added and removed, whatever it is called', async () => {
    expect((await changed(first, second))?.sort()).toEqual(['a*', 'added', 'folder/file', 'new\nline "ü"'])
    expect(await changed(second, second)).toEqual([])
  })

  it('cannot tell without a commit before', async () => {
    expect(await changed(undefined, second)).toBeUndefined()
    expect(await changed('0'.repeat(40), second)).toBeUndefined()
    expect(await changed('a'.repeat(40), second)).toBeUndefined()
  })

  it('fetches a commit before that is on another line', async () => {
    const aside = await server.commit('owner/name', { aside: 'z' }, { branch: 'aside', parent: first })
    expect((await changed(aside, second))?.sort()).toEqual([
      'a*',
      'added',
      'aside',
      'folder/file',
      'new\nline "ü"',
    ])
  })
})

describe('commitInfo', () => {
  it('gives title, message and author', async () => {
    expect(await mirror.commitInfo(repository, second, signal)).toEqual({
      title: 'Change a few things',
      message: 'Change a few things\n\nBecause: they were\nwrong.',
      author: 'Änne O’Hand',
    })
  })

  it('refuses what is no commit', async () => {
    await expect(mirror.commitInfo(repository, '--all', signal)).rejects.toThrow(ConfigError)
  })
})
