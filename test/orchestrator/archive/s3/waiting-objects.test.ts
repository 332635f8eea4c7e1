import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { monotonicFactory } from 'ulid'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWaitingObjects } from '../../../../orchestrator/archive/s3/waiting-objects.ts'

/** Two processes of one host, whose storage is away until `isThere`. */
async function twoProcesses() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-waiting-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const storage = { isThere: false, objects: new Map<string, string>(), order: [] as string[] }
  let reads = 0
  const open = () =>
    createWaitingObjects({
      store: {
        put: async (key, body) => {
          if (!storage.isThere) throw new Error('the storage is away')
          storage.objects.set(key, String(body))
          storage.order.push(`${key}=${String(body)}`)
        },
      },
      folder,
      log: pino({ level: 'silent' }),
      readText: async (path) => {
        reads++
        return await readFile(path, 'utf8')
      },
    })
  return { folder, storage, one: open(), other: open(), reads: () => reads }
}

describe('createWaitingObjects', () => {
  it('reads each of 2,000 waiting objects once, and then only what is asked for', async () => {
    const { folder, one, reads } = await twoProcesses()
    const keys = Array.from({ length: 2000 }, (_, index) => `builds/${index}`)
    // As an earlier process left them; each fsync would take as long as all of this.
    const nextId = monotonicFactory()
    for (const key of keys)
      await writeFile(join(folder, `${nextId()}.json`), JSON.stringify({ key, body: `body of ${key}` }))
    expect(await one.keys('builds/')).toEqual(keys)
    expect(reads()).toBe(2000)
    for (const key of keys.slice(0, 100)) expect(await one.get(key)).toBe(`body of ${key}`)
    expect(await one.get('builds/none')).toBeUndefined()
    expect(await one.keys('other/')).toEqual([])
    expect(reads()).toBe(2100)
  })

  it('knows what another process of its host put, put anew, dropped and brought', async () => {
    const { one, other, storage } = await twoProcesses()
    await one.put('a', 'first')
    expect(await one.get('a')).toBe('first')
    // Of two processes the millisecond says who came first.
    await sleep(2)
    await other.put('a', 'second')
    await other.put('b', 'only')
    expect([await one.get('a'), await one.get('b')]).toEqual(['second', 'only'])
    await one.put('c', 'wanted no more')
    await other.drop('c')
    expect(await one.keys('')).toEqual(['a', 'a', 'b'])
    await expect(one.deliver()).rejects.toThrow('the storage is away')
    expect(await other.keys('b')).toEqual(['b'])
    storage.isThere = true
    await other.deliver()
    expect(storage.order).toEqual(['a=first', 'a=second', 'b=only'])
    expect([await one.get('a'), await one.keys('')]).toEqual([undefined, []])
  })
})
