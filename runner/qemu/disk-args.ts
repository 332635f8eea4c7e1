import type { DiskBus } from '../../images/image.ts'
import { optionPath } from './option-value.ts'
import type { QemuSpec } from './qemu-spec.ts'

/** The overlay, and what it hangs on. Unsafe caching is right: a disk that outlives nothing needs no flush. */
export function diskArgs({ path, bus, format }: QemuSpec['disk']): string[][] {
  const throwAway = 'cache=unsafe,discard=unmap,detect-zeroes=unmap,aio=threads'
  return [
    ['-drive', `file=${optionPath(path)},if=none,id=d0,format=${format},${throwAway}`],
    ...diskDevices[bus],
  ]
}

/** The seed CD; on the second IDE channel when the first has the disk. */
export function seedArgs(seed: string | undefined, diskBus: DiskBus): string[][] {
  if (seed === undefined) return []
  const channel = diskBus === 'ide' ? 'ide.1' : 'ide.0'
  return [
    ['-drive', `file=${optionPath(seed)},if=none,id=cd0,format=raw,media=cdrom,readonly=on`],
    ['-device', `ide-cd,drive=cd0,bus=${channel}`],
  ]
}

const diskDevices: Record<DiskBus, string[][]> = {
  virtio: [['-device', 'virtio-blk-pci,drive=d0,bootindex=1']],
  scsi: [
    ['-device', 'virtio-scsi-pci,id=scsi0'],
    ['-device', 'scsi-hd,drive=d0,bus=scsi0.0,bootindex=1'],
  ],
  ide: [['-device', 'ide-hd,drive=d0,bus=ide.0,bootindex=1']],
}
