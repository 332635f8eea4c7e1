import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import ssh2 from 'ssh2'
import { ConfigError } from '../../config/errors.ts'
import { syncPath } from '../../images/atomic-file.ts'
import { type KeyPair, makeKeyPair } from '../../runner/keys/key-pair.ts'
import { gatewayFolder, hostKeyFile } from './filenames.ts'
import { fingerprintOf } from './public-key.ts'

/**
 * The gateway's own host key, by which its users know it again. The first call makes it, mode 0600; of several at
 * once, in any number of processes, all get the same.
 *
 * @throws {ConfigError} when the file is open to others or holds no ed25519 key
 */
export async function loadGatewayHostKey(dataFolder: string): Promise<KeyPair> {
  const file = hostKeyFile(dataFolder)
  return (await readHostKey(file)) ?? (await makeHostKey(dataFolder, file))
}

async function readHostKey(file: string): Promise<KeyPair | undefined> {
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0) {
      throw new ConfigError(
        `expected ${file} to be its owner's alone, found mode ${(mode & 0o777).toString(8)}`,
        {
          hint: `chmod 600 ${file}, if nobody can have read it; else remove it, and a new key is made`,
        },
      )
    }
    return pairOf(await readFile(file, 'utf8'), file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function pairOf(privateKey: string, file: string): KeyPair {
  const key = ssh2.utils.parseKey(privateKey)
  if (key instanceof Error || key.type !== 'ssh-ed25519' || !key.isPrivateKey()) {
    throw new ConfigError(`expected a private ed25519 key in ${file}, found something else`, {
      hint: 'restore it from a backup; or remove it, and a new one is made, of which every user is warned',
    })
  }
  const blob = key.getPublicSSH()
  return {
    privateKey,
    publicKey: `ssh-ed25519 ${blob.toString('base64')} mayfly-gateway`,
    fingerprint: fingerprintOf(blob),
  }
}

// Written whole under a name of its own and linked, which fails where another process was first.
async function makeHostKey(dataFolder: string, file: string): Promise<KeyPair> {
  const mine = `${file}.${randomUUID()}.tmp`
  await mkdir(gatewayFolder(dataFolder), { recursive: true, mode: 0o700 })
  try {
    await using handle = await open(mine, 'wx', 0o600)
    await handle.writeFile(makeKeyPair('mayfly-gateway').privateKey)
    await handle.sync()
    await link(mine, file)
    await syncPath(gatewayFolder(dataFolder))
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    if (!exists) throw error
  } finally {
    await rm(mine, { force: true })
  }
  const made = await readHostKey(file)
  if (made === undefined) throw new ConfigError(`expected the host key ${file}, got none: it was removed`)
  return made
}
