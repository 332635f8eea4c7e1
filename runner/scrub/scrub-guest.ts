import { InfraError } from '../../config/errors.ts'
import type { Qmp } from '../qemu/qmp.ts'
import { scrubFile } from './scrub-file.ts'
import { scrubMemory } from './scrub-memory.ts'
import { scrubNeedles } from './scrub-needles.ts'

type ScrubGuest = {
  readonly qmp: Qmp
  readonly pid: number
  /** bytes of the guest's memory */
  readonly memory: number
  /** Its memory is its template's but for what it has written to. */
  readonly cloned: boolean
  /** The qcow2 file of its disk. */
  readonly disk: string
  readonly secrets: readonly string[]
  readonly signal: AbortSignal
}

/**
 * Overwrites every secret in a guest's memory and on its disk, wherever its kernel or its programs left it, freed pages
 * included: as it is, each line of it, and its base64 forms. The guest stands still meanwhile and goes on afterwards; a
 * program or a file that still held one has stars in its place. Gives how many places there were.
 *
 * @throws {InfraError} of class `machine-died` when QEMU does not say where the memory is, or it cannot be written
 */
export async function scrubGuest(scrub: ScrubGuest): Promise<number> {
  const { qmp, pid, memory, cloned, disk, secrets, signal } = scrub
  const needles = scrubNeedles(secrets)
  if (needles.length === 0) return 0
  const failure = 'machine-died' as const
  await qmp.execute('stop', undefined, { signal, failure })
  try {
    const address = await addressOf(qmp, signal)
    const inMemory = await scrubMemory({ pid, address, size: memory, cloned, needles, signal })
    return inMemory + (await scrubFile({ path: disk, needles, signal }))
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof InfraError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new InfraError(failure, `the secrets could not be removed from the machine's memory: ${message}`, {
      cause,
    })
  } finally {
    await qmp.execute('cont', undefined, { failure })
  }
}

/** The whole of the guest's memory is one block, whatever holes its addresses have. */
async function addressOf(qmp: Qmp, signal: AbortSignal): Promise<number> {
  const said = await qmp.humanMonitor('gpa2hva 0', { signal })
  const address = Number(/ is (0x[0-9a-f]+)/.exec(said)?.[1])
  if (Number.isSafeInteger(address) && address > 0) return address
  throw new InfraError(
    'machine-died',
    `expected the address of the guest's memory, got ${said.slice(0, 200)}`,
  )
}
