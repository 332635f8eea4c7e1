import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'

export type KvmPromise = { readonly usable: boolean; readonly reason: string }

type Where = { device?: string; cpuinfo?: string }

/**
 * What can be said of KVM without running anything: the device opens for reading and writing, and the processor says
 * that it can virtualise. Necessary, not sufficient: the boot probe decides.
 */
export async function kvmPromise({
  device = '/dev/kvm',
  cpuinfo = '/proc/cpuinfo',
}: Where = {}): Promise<KvmPromise> {
  const opened = await openError(device)
  if (opened === 'ENOENT') return { usable: false, reason: `no ${device} on this host` }
  if (opened === 'EACCES' || opened === 'EPERM') {
    return {
      usable: false,
      reason: `${device} is there, but not for this user (usermod -aG kvm USER, then log in again)`,
    }
  }
  if (opened !== undefined) return { usable: false, reason: `${device} does not open (${opened})` }
  if (process.arch !== 'x64') return { usable: true, reason: `${device} opens` }
  const flags = /^flags\s*:(.*)$/m.exec(await readFile(cpuinfo, 'latin1'))?.[1]?.split(' ') ?? []
  const flag = flags.find((name) => name === 'vmx' || name === 'svm')
  if (flag === undefined) {
    return { usable: false, reason: `${device} opens, but the processor has neither vmx nor svm` }
  }
  return { usable: true, reason: `${device} opens and the processor has ${flag}` }
}

async function openError(device: string): Promise<string | undefined> {
  try {
    const handle = await open(device, constants.O_RDWR)
    await handle.close()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error'
  }
}
