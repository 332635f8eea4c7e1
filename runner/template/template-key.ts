import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { release } from 'node:os'
import type { Accel } from '../accel/choose-accel.ts'
import type { MachineOrder } from '../job/job-order.ts'
import { qemuArgs } from '../qemu/qemu-args.ts'
import { defaultMachine } from '../qemu/qemu-spec.ts'
import type { Qemu } from '../qemu/qemu-version.ts'
import { guestProgram } from './guest-program.ts'
import { templateMac } from './template-mac.ts'

export type TemplateSubject = Pick<MachineOrder, 'image' | 'resources'> & {
  readonly accel: Accel
  readonly qemu: Qemu
}

/** Of a machine that clones start from: as `resumeKey`, and our own program in the guest. */
export async function templateKey(subject: TemplateSubject): Promise<string> {
  return keyOf({ ...(await resumeParts(subject)), guest: await guestProgram() })
}

/**
 * Sixteen hex digits that are the same for two machines only if one could be resumed from the other's memory:
 * image, kernel, resources, argv without paths, QEMU's version, processor.
 */
export async function resumeKey(subject: TemplateSubject): Promise<string> {
  return keyOf(await resumeParts(subject))
}

async function resumeParts(subject: TemplateSubject) {
  const { image, resources, qemu, accel } = subject
  const kernel = image.kernel
  return {
    image: image.digest,
    profile: image.profile,
    kernel: kernel && [await fileDigest(kernel.image), await fileDigest(kernel.initrd)],
    resources,
    argv: argvWithoutPaths(subject),
    qemu: qemu.version,
    cpu: accel.accel === 'kvm' ? await hostCpu() : 'emulated',
  }
}

function keyOf(parts: object): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

// The network mode is left out: SLIRP is on the host's side, and the guest is frozen with no connection open.
function argvWithoutPaths({ image, resources, accel }: TemplateSubject): string[] {
  const { firmware, diskBus, nic } = image.profile
  return qemuArgs({
    name: 'template',
    accel: accel.accel,
    machine: defaultMachine,
    cpu: accel.accel === 'kvm' ? 'host' : 'max',
    cpus: resources.cpus,
    memory: resources.memory,
    firmware: firmware === 'bios' ? { kind: 'bios' } : { kind: 'uefi', code: '/code', vars: '/vars' },
    disk: { path: '/disk', bus: diskBus, format: 'qcow2' },
    seed: '/seed',
    network: { mode: 'none', nic, mac: templateMac },
    extraNics: [],
    kernel: image.kernel && { image: '/kernel', initrd: '/initrd', append: image.kernel.append },
    sockets: { qmp: '/qmp', serial: '/serial', control: '/control' },
    serialLog: '/console',
    memoryFile: { path: '/ram', use: 'written', readOnly: false },
  })
}

const digests = new Map<string, string>()

/** Of a file on the shelf, which never changes under its name; read once for each state of it. */
async function fileDigest(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path)
  const state = `${path}|${ino}|${size}|${mtimeMs}`
  const known = digests.get(state)
  if (known !== undefined) return known
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  digests.set(state, digest)
  return digest
}

// `-cpu host` gives the guest what this processor and this kernel's KVM have.
async function hostCpu(): Promise<string> {
  const cpuinfo = await readFile('/proc/cpuinfo', 'latin1')
  const first = cpuinfo.split('\n\n')[0] ?? ''
  const kept = first
    .split('\n')
    .filter((line) => /^(vendor_id|cpu family|model|stepping|microcode|flags)\s/.test(line))
  return [release(), ...kept].join('\n')
}
