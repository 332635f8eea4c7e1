import { Readable } from 'node:stream'
import type { Machine } from '../machine/machine.ts'
import type { GuestLink } from '../ssh/guest-link.ts'
import { openSpareShells } from '../ssh/spare-shells.ts'
import { guestPaths, stepFolder } from './guest-paths.ts'

type Rehearse = {
  readonly session: Pick<Machine, 'upload' | 'runStep' | 'exec'>
  readonly link: GuestLink
  readonly signal: AbortSignal
}

/** No job has a step of this number. */
const index = 99_999_999

/** An archive of nothing, see tar(5). */
const emptyTar = Buffer.alloc(10_240)

/** One for the upload, one for the first step. */
const shells = 2

/**
 * Does once what a job begins with, an upload and a step, and removes its traces: SFTP is open afterwards, and under
 * emulation QEMU has translated the code that is run for it. Then opens the shells that the job will need first.
 */
export async function rehearse({ session, link, signal }: Rehearse): Promise<void> {
  await session.upload(Readable.from([emptyTar]), signal)
  const step = { index, name: 'rehearsal', script: 'true', shell: 'sh -e', env: {}, timeout: undefined }
  await session.runStep({ ...step, onOutput: () => undefined }, signal)
  await session.exec(`rm -r ${stepFolder(index)} ${guestPaths.outputFolder}/${index}.log`, signal)
  await openSpareShells(await link.connection(signal), shells)
}
