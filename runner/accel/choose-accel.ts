import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { cpus, release } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { InfraError } from '../../config/errors.ts'
import { bootProbe } from './boot-probe.ts'
import { kvmPromise } from './kvm-promise.ts'

export type Accel = { readonly accel: 'kvm' | 'tcg'; readonly reason: string }

type Choose = {
  /** What the host file asks for; `auto` takes KVM where it is proven. */
  wanted: 'auto' | 'kvm' | 'tcg'
  binary: string
  qemuVersion: string
  /** A kernel to prove KVM with; undefined leaves the proof to the first boot. */
  kernel: string | undefined
  cacheFile: string
  signal: AbortSignal
}

const verdictSchema = z.object({ key: z.string(), accel: z.enum(['kvm', 'tcg']), reason: z.string() })

/**
 * Decides between KVM and emulation, by proof and not by the look of /dev/kvm. The verdict of a boot is kept per host
 * kernel, processor and QEMU version. Throws InfraError('boot') when the host file insists on a KVM that is not usable.
 */
export async function chooseAccel(options: Choose): Promise<Accel> {
  const { wanted } = options
  if (wanted === 'tcg') return { accel: 'tcg', reason: 'the host file asks for emulation' }
  const verdict = await probedVerdict(options)
  if (wanted === 'kvm' && verdict.accel !== 'kvm') {
    throw new InfraError('boot', `the host file insists on KVM, but it is not usable: ${verdict.reason}`, {
      hint: 'set `accel: auto` in the host file to run under emulation',
    })
  }
  return verdict
}

async function probedVerdict({ binary, qemuVersion, kernel, cacheFile, signal }: Choose): Promise<Accel> {
  const promise = await kvmPromise()
  if (!promise.usable) return { accel: 'tcg', reason: promise.reason }
  if (kernel === undefined)
    return { accel: 'kvm', reason: `${promise.reason}; no kernel at hand to prove it` }
  const key = [release(), cpus()[0]?.model ?? '', qemuVersion].join('|')
  const known = await readVerdict(cacheFile)
  if (known?.key === key) return { accel: known.accel, reason: known.reason }
  const probe = await bootProbe({ binary, kernel, signal })
  const verdict: Accel = probe.booted
    ? { accel: 'kvm', reason: `${promise.reason}; ${probe.reason}` }
    : { accel: 'tcg', reason: `${promise.reason}, but ${probe.reason}` }
  await writeVerdict(cacheFile, { key, ...verdict })
  return verdict
}

async function readVerdict(file: string) {
  try {
    return verdictSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

async function writeVerdict(file: string, verdict: z.infer<typeof verdictSchema>): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, JSON.stringify(verdict))
  await rename(draft, file)
}
