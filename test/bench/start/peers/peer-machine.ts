import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShelfImage } from '../../../../images/image.ts'
import { resolveResources } from '../../../../runner/job/resolve-resources.ts'
import { makeKeyPair } from '../../../../runner/keys/key-pair.ts'
import { makeSeed } from '../../../../runner/seed/seed.ts'
import { findHostParts } from '../../../../runner/start-on-host.ts'
import type { StartPlace } from '../contender.ts'

/** The machine that a peer is to start: as large and on the same kind of processor as ours. */
export type PeerMachine = {
  /** Absolute path of its qcow2 disk. */
  readonly disk: string
  readonly kernel: NonNullable<ShelfImage['kernel']>
  readonly cpus: number
  /** MiB */
  readonly memory: number
  readonly accel: 'kvm' | 'tcg'
  readonly user: string
  /** Absolute path of the seed CD, which lets the key in. */
  readonly seed: string
  /** Absolute path of that private key. */
  readonly key: string
  /** A folder of the peer's own. */
  readonly folder: string
}

/** Throws where the image boots through a bootloader, which would not be the same start. */
export async function preparePeerMachine(
  { bench, data, peers }: StartPlace,
  image: ShelfImage,
): Promise<PeerMachine> {
  const { kernel, profile } = image
  if (kernel === undefined) throw new Error(`expected an image with a kernel, got ${image.name}`)
  await mkdir(peers, { recursive: true })
  const folder = await mkdtemp(join(peers, 'p-'))
  const { host } = bench
  const { cpus, memory } = resolveResources({ job: {}, image: profile.resources, host: host.resources })
  const signal = new AbortController().signal
  const { accel } = await findHostParts({ image, signal }, { host, dataFolder: data })
  const login = makeKeyPair('peer')
  const seed = makeSeed({
    ...{ machineId: 'peer', hostname: 'peer', nonce: 'of-a-peer', userData: [], macs: [] },
    user: profile.user,
    seed: profile.seed,
    publicKey: login.publicKey,
    hostKey: makeKeyPair('peer-host'),
  })
  const files = { seed: join(folder, 'seed.iso'), key: join(folder, 'key') }
  await writeFile(files.seed, seed)
  await writeFile(files.key, login.privateKey, { mode: 0o600 })
  return {
    ...{ disk: image.disk, kernel, cpus, memory: memory / 2 ** 20, accel: accel.accel },
    ...{ user: profile.user, ...files, folder },
  }
}
