import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadGatewayHostKey } from '../../../orchestrator/gateway/load-host-key.ts'

let data: string
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'mayfly-data-'))
})
afterEach(() => rm(data, { recursive: true }))

const file = () => join(data, 'gateway', 'host-key')

describe('loadGatewayHostKey', () => {
  it('makes a key once, for its owner alone, and gives the same ever after', async () => {
    const made = await loadGatewayHostKey(data)
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    expect((await stat(join(data, 'gateway'))).mode & 0o777).toBe(0o700)
    expect(await loadGatewayHostKey(data)).toEqual(made)
    expect(await readFile(file(), 'utf8')).toBe(made.privateKey)
  })

  it('gives one key to many that ask at once, and leaves nothing else behind', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => loadGatewayHostKey(data)))
    expect(new Set(keys.map((key) => key.fingerprint)).size).toBe(1)
    expect(await readdir(join(data, 'gateway'))).toEqual(['host-key'])
  })

  it('refuses a key that others may have read', async () => {
    await loadGatewayHostKey(data)
    await chmod(file(), 0o644)
    await expect(loadGatewayHostKey(data)).rejects.toThrow(`to be its owner's alone, found mode 644`)
  })

  it('refuses a file that holds no key, and does not overwrite it', async () => {
    await loadGatewayHostKey(data)
    await writeFile(file(), 'half a k')
    await expect(loadGatewayHostKey(data)).rejects.toThrow('expected a private ed25519 key')
    expect(await readFile(file(), 'utf8')).toBe('half a k')
  })
})
