import { randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Keepsake,
  readKeepsake,
  removeKeepsake,
  writeKeepsake,
} from '../../../runner/keeper/keepsake.ts'
import { memoryFolder } from '../../../runner/keeper/memory-folder.ts'

describe('what is kept to go on with a machine', () => {
  it('lies in memory, for its owner alone, until it is removed', async () => {
    const id = anId()
    const keepsake = { login: { user: 'ci', privateKey: 'the key', hostKey: 'k' }, note: { job: 'j' } }
    expect(await writeKeepsake(id, keepsake as unknown as Keepsake)).toBe(true)
    const file = join(memoryFolder(), `${id}.json`)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(memoryFolder())).mode & 0o777).toBe(0o700)
    // So that no disk ever has it: it is a file system without one.
    expect(await deviceOf(memoryFolder())).toBe('tmpfs')
    expect(await readKeepsake(id)).toMatchObject(keepsake)
    await removeKeepsake(id)
    expect(await readKeepsake(id)).toBeUndefined()
  })

  it('is none where another version of Mayfly wrote it, or half of it', async () => {
    const id = anId()
    await writeKeepsake(id, {} as Keepsake)
    const file = join(memoryFolder(), `${id}.json`)
    const text = await readFile(file, 'utf8')
    expect(text).toContain('"format":1')
    await writeFile(file, text.replace('"format":1', '"format":2'))
    expect(await readKeepsake(id)).toBeUndefined()
    await writeFile(file, text.slice(0, -3))
    expect(await readKeepsake(id)).toBeUndefined()
  })
})

function anId(): string {
  const id = `test-${randomUUID()}`
  onTestFinished(() => removeKeepsake(id))
  return id
}

/** The type of the file system that a folder is on, by proc_pid_mounts(5). */
async function deviceOf(folder: string): Promise<string | undefined> {
  const mounts = (await readFile('/proc/self/mounts', 'latin1')).trim().split('\n')
  const over = mounts
    .map((line) => line.split(' '))
    .filter(([, place = '']) => folder === place || folder.startsWith(`${place}/`))
    .toSorted(([, a = ''], [, b = '']) => b.length - a.length)
  return over[0]?.[2]
}
