import { Readable } from 'node:stream'
import type { Machine } from '../machine/machine.ts'
import type { GuestLink } from '../ssh/guest-link.ts'
import { openAhead } from '../ssh/opened-ahead.ts'
import { stepAhead, unpackAhead } from './ahead-commands.ts'
import { guestPaths, stepFolder } from './guest-paths.ts'

type Rehearse = {
  readonly session: Pick<Machine, 'upload' | 'runStep' | 'exec'>
  readonly workdir: string
  readonly link: GuestLink
  readonly signal: AbortSignal
}

/** No job has a step of this number. */
const index = 99_999_999

/** An archive of nothing, see tar(5). */
const emptyTar = Buffer.alloc(10_240)

/** Of a job without a `setup` that was run elsewhere. */
const firstStep = 0

/**
 * Does once what a job begins with, an upload and a step, and removes its traces: SFTP is open afterwards, and under
 * emulation QEMU has translated the code that is run for it. Then starts what unpacks the job's upload and runs its
 * first step, each of which waits for its input.
 */
export async function rehearse({ session, workdir, link, signal }: Rehearse): Promise<void> {
  await session.upload(Readable.from([emptyTar]), signal)
  const step = { index, name: 'rehearsal', script: 'true', shell: 'sh -e', env: {}, timeout: undefined }
  await session.runStep({ ...step, onOutput: () => undefined }, signal)
  const traces = `${stepFolder(index)} ${guestPaths.outputFolder}/${index}.log`
  await session.exec(`rm -r ${traces} && mkdir -m 700 ${stepFolder(firstStep)}`, signal)
  const client = await link.connection(signal)
  await openAhead(client, unpackAhead(workdir))
  await openAhead(client, stepAhead(firstStep))
}
