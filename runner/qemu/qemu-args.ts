import { ConfigError } from '../../config/errors.ts'
import { diskArgs, seedArgs } from './disk-args.ts'
import { networkArgs } from './network-args.ts'
import { optionPath, optionValue } from './option-value.ts'
import type { MemoryFile, QemuFirmware, QemuSpec } from './qemu-spec.ts'

/** The name by which the guest finds its control port in /dev/virtio-ports. */
export const controlPort = 'mayfly'

/**
 * QEMU's argv for one machine, without the binary: nothing but the spec goes in, so the same spec gives the
 * same machine. Written for QEMU 7.2 and later.
 *
 * @throws {ConfigError} when the spec asks for what QEMU could not give unchanged
 */
export function qemuArgs(spec: QemuSpec): string[] {
  const memory = `${wholeMebibytes(spec.memory)}M`
  return [
    ['-name', optionValue(spec.name)],
    ['-machine', spec.machine],
    ['-accel', spec.accel === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=512'],
    ['-cpu', spec.cpu],
    ['-smp', wholeCpus(spec.cpus)],
    ['-m', memory],
    ['-object', memoryBackend(memory, spec.memoryFile)],
    ['-nodefaults'],
    ['-no-user-config'],
    ['-display', 'none'],
    // A guest that reboots or panics ends QEMU, and that is how we know.
    ['-no-reboot'],
    ['-rtc', 'base=utc,clock=host'],
    // Strict: only what has a bootindex is booted, so never the seed CD.
    ['-boot', 'strict=on,menu=off'],
    ...firmwareArgs(spec.firmware),
    ...kernelArgs(spec.kernel),
    ...diskArgs(spec.disk),
    ...seedArgs(spec.seed, spec.disk.bus),
    ...networkArgs(spec.network, spec.extraNics),
    ['-device', 'virtio-rng-pci'],
    ['-device', 'pvpanic-pci'],
    [
      '-chardev',
      `${listeningSocket('ser', spec.sockets.serial)},logfile=${optionPath(spec.serialLog)},logappend=on`,
    ],
    ['-serial', 'chardev:ser'],
    ['-chardev', listeningSocket('qmp', spec.sockets.qmp)],
    ['-mon', 'chardev=qmp,mode=control'],
    ...controlArgs(spec.sockets.control),
    ...(spec.incoming ? [['-incoming', 'defer']] : []),
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
  ].flat()
}

function memoryBackend(size: string, file: MemoryFile | undefined): string {
  if (!file) return `memory-backend-memfd,id=ram,size=${size}`
  const share = file.use === 'written' ? 'on' : 'off'
  const readOnly = file.readOnly ? ',readonly=on,rom=off' : ''
  return `memory-backend-file,id=ram,size=${size},mem-path=${optionPath(file.path)},share=${share}${readOnly}`
}

// Last of the devices, so that the others keep their places on the bus.
function controlArgs(socket: string | undefined): string[][] {
  if (socket === undefined) return []
  return [
    ['-device', 'virtio-serial-pci,max_ports=2'],
    ['-chardev', listeningSocket('ctl', socket)],
    ['-device', `virtserialport,chardev=ctl,name=${controlPort}`],
  ]
}

function wholeMebibytes(bytes: number): number {
  const mebibytes = bytes / 2 ** 20
  if (Number.isInteger(mebibytes) && mebibytes > 0) return mebibytes
  throw new ConfigError(`Expected memory in whole MiB, got ${bytes} bytes`, {
    hint: 'Write it as 512MiB or 2GiB.',
  })
}

function wholeCpus(cpus: number): string {
  if (Number.isInteger(cpus) && cpus > 0) return String(cpus)
  throw new ConfigError(`Expected a whole number of CPUs, got ${cpus}`, { hint: 'Write it as cpus: 2.' })
}

function firmwareArgs(firmware: QemuFirmware): string[][] {
  if (firmware.kind === 'bios') return []
  return [
    ['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${optionPath(firmware.code)}`],
    ['-drive', `if=pflash,unit=1,format=raw,file=${optionPath(firmware.vars)}`],
  ]
}

// These are no option lists, so their commas stay as they are.
function kernelArgs(kernel: QemuSpec['kernel']): string[][] {
  if (!kernel) return []
  return [
    ['-kernel', kernel.image],
    ['-initrd', kernel.initrd],
    ['-append', kernel.append],
  ]
}

function listeningSocket(id: string, path: string): string {
  return `socket,id=${id},path=${optionPath(path)},server=on,wait=off`
}
