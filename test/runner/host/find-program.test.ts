import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findProgram } from '../../../runner/host/find-program.ts'

let root: string
let one: string
let two: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mayfly-path-'))
  one = join(root, 'one')
  two = join(root, 'two')
  await mkdir(one)
  await mkdir(two)
})
afterEach(() => rm(root, { recursive: true }))

async function program(path: string, mode = 0o755): Promise<string> {
  await writeFile(path, '#!/bin/sh\n')
  await chmod(path, mode)
  return path
}

describe('findProgram', () => {
  it('takes the first of the folders that has it', async () => {
    const first = await program(join(one, 'tool'))
    const second = await program(join(two, 'tool'))
    expect(await findProgram('tool', `${one}:${two}`)).toBe(first)
    expect(await findProgram('tool', `${two}:${one}`)).toBe(second)
  })

  it('passes over what cannot be executed: a plain file, a folder, a link to nowhere', async () => {
    await program(join(one, 'plain'), 0o644)
    await mkdir(join(one, 'folder'))
    await symlink('nowhere', join(one, 'link'))
    for (const name of ['plain', 'folder', 'link']) expect(await findProgram(name, one)).toBeUndefined()
  })

  it('follows a link to a program', async () => {
    await program(join(two, 'real'))
    await symlink(join(two, 'real'), join(one, 'tool'))
    expect(await findProgram('tool', one)).toBe(join(one, 'tool'))
  })

  it('does not look into the present folder for an empty part of PATH', async () => {
    expect(await findProgram('package.json', '::')).toBeUndefined()
    expect(await findProgram('tool', '')).toBeUndefined()
  })

  it('finds what this host itself has', async () => {
    expect(await findProgram('sh')).toMatch(/\/sh$/)
  })
})
