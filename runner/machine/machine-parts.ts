import { randomBytes } from 'node:crypto'
import { mkdir, statfs } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { InfraError } from '../../config/errors.ts'
import { ownIdentity, type ProcessIdentity } from '../../images/process-identity.ts'
import { useImage } from '../../images/shelf/use-markers.ts'
import { type KeyPair, makeKeyPair } from '../keys/key-pair.ts'
import type { Scope } from '../scope.ts'
import type { BootOrder } from './boot-order.ts'
import { claimMemory } from './claim-memory.ts'
import { deferFolders } from './defer-folders.ts'
import { type MachinePaths, machinePaths } from './filenames.ts'
import { writeMachineRecord } from './machine-record.ts'
import { memoryNeed } from './memory-need.ts'
import { makeRunFolder } from './run-folder.ts'

/** What a machine is made of before QEMU runs, whichever way it starts. */
export type MachineParts = {
  readonly paths: MachinePaths
  readonly owner: ProcessIdentity
  /** Bytes of this host that are the machine's from now on. */
  readonly promised: number
  readonly jobKey: KeyPair
  readonly hostKey: KeyPair
  /** Read back over SSH, so that a boot is never taken for another. */
  readonly nonce: string
}

/** Room that has to be free where the machine's disk will grow. */
const leastFreeDisk = 256 * 2 ** 20

/**
 * Checks that the host has room for the machine, makes its folders, its record and its keys, and marks its image as
 * used. Everything is given back by the scope.
 *
 * Throws InfraError with its class, ConfigError where this host could never run it, or the signal's reason.
 */
export async function makeParts(order: BootOrder, scope: Scope): Promise<MachineParts> {
  const { id, image, resources, host, dataFolder, accel, signal } = order
  const uid = userInfo().uid
  const paths = machinePaths({ dataFolder, id, env: process.env, uid, runDir: host.runDir })
  signal.throwIfAborted()
  const owner = ownIdentity()
  await makeFolders({ paths, uid, scope })
  const need = memoryNeed(resources.memory, accel.accel)
  const promised = need.guest + need.own
  const record = { id, owner, runFolder: paths.runFolder, promised, cloned: false }
  const write = () => writeMachineRecord(paths.record, record)
  await claimMemory({ dataFolder, need, write, signal })
  await checkFreeDisk(paths.folder)
  const use = await useImage(image, { machineId: id, process: owner })
  await scope.defer('image use', () => use.release())
  return {
    paths,
    owner,
    promised,
    jobKey: makeKeyPair(id),
    hostKey: makeKeyPair(`${id}-host`),
    nonce: randomBytes(16).toString('hex'),
  }
}

async function makeFolders({ paths, uid, scope }: { paths: MachinePaths; uid: number; scope: Scope }) {
  await deferFolders(paths, scope)
  await mkdir(paths.folder, { recursive: true, mode: 0o700 })
  await makeRunFolder({ folder: paths.runFolder, uid })
}

async function checkFreeDisk(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= leastFreeDisk) return
  throw new InfraError(
    'host-disk-full',
    `expected at least 256 MiB free in ${folder}, found ${Math.floor((bavail * bsize) / 2 ** 20)} MiB`,
    {
      hint: 'free space there (mayfly images gc), or choose another folder with --data',
    },
  )
}
