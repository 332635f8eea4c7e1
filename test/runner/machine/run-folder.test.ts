import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { makeRunFolder } from '../../../runner/machine/run-folder.ts'

const uid = process.getuid?.() ?? 0
let base: string
let parent: string
let folder: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'mayfly-run-'))
  parent = join(base, 'mayfly')
  folder = join(parent, 'm1')
})
afterEach(() => rmSync(base, { recursive: true }))

const mode = (path: string) => statSync(path).mode & 0o777

describe('makeRunFolder', () => {
  it('makes both folders for their owner alone', async () => {
    await makeRunFolder({ folder, uid })
    expect([mode(parent), mode(folder)]).toEqual([0o700, 0o700])
  })

  it('is content with folders that are already right', async () => {
    await makeRunFolder({ folder, uid })
    await makeRunFolder({ folder, uid })
    await makeRunFolder({ folder: join(parent, 'm2'), uid })
  })

  it('lets others look into the upper folder, but not write', async () => {
    mkdirSync(parent)
    chmodSync(parent, 0o755)
    await makeRunFolder({ folder, uid })
    chmodSync(parent, 0o777)
    await expect(makeRunFolder({ folder, uid })).rejects.toThrow(/got mode 777$/)
  })

  it('refuses a machine folder that others can enter', async () => {
    mkdirSync(folder, { recursive: true })
    chmodSync(parent, 0o700)
    chmodSync(folder, 0o755)
    await expect(makeRunFolder({ folder, uid })).rejects.toThrow(ConfigError)
  })

  it("refuses another user's folder", async () => {
    mkdirSync(parent, { mode: 0o700 })
    await expect(makeRunFolder({ folder, uid: uid + 1 })).rejects.toThrow(`got one of user ${uid}`)
  })

  it('refuses a link, even to a folder of our own', async () => {
    mkdirSync(join(base, 'real'), { mode: 0o700 })
    symlinkSync(join(base, 'real'), parent)
    await expect(makeRunFolder({ folder, uid })).rejects.toThrow('something that is no folder')
  })

  it('refuses a file in its place', async () => {
    writeFileSync(parent, '')
    await expect(makeRunFolder({ folder, uid })).rejects.toThrow(ConfigError)
  })

  it('says so when the place for it is not there', async () => {
    await expect(makeRunFolder({ folder: '/nonexistent/a/b', uid })).rejects.toThrow(/ENOENT/)
  })
})
