import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { connectQmp } from '../../../runner/qemu/connect-qmp.ts'
import { macAddress } from '../../../runner/qemu/mac-address.ts'
import { qemuArgs } from '../../../runner/qemu/qemu-args.ts'
import { defaultMachine, type QemuSpec } from '../../../runner/qemu/qemu-spec.ts'
import { isoImage } from '../../../runner/seed/iso9660.ts'
import { startQemu } from './real-qemu.ts'

const virtio: QemuSpec = {
  name: 'mayfly-m1',
  accel: 'tcg',
  machine: defaultMachine,
  cpu: 'max',
  cpus: 3,
  memory: 1536 * 2 ** 20,
  firmware: { kind: 'bios' },
  disk: { path: '/d/overlay.qcow2', bus: 'virtio', format: 'qcow2' },
  seed: '/d/seed.iso',
  network: { mode: 'web', nic: 'virtio', mac: '52:54:00:00:00:01' },
  extraNics: [],
  kernel: undefined,
  sockets: { qmp: '/r/qmp.sock', serial: '/r/serial.sock' },
  serialLog: '/d/console.raw',
}
const scsi: QemuSpec = { ...virtio, disk: { ...virtio.disk, bus: 'scsi' } }
const ide: QemuSpec = { ...virtio, disk: { ...virtio.disk, bus: 'ide' } }
const e1000: QemuSpec = {
  ...virtio,
  network: { ...virtio.network, mode: 'internet', nic: 'e1000' },
  extraNics: [{ mode: 'none', nic: 'virtio', mac: '52:54:00:00:00:02' }],
}
const uefi: QemuSpec = {
  ...virtio,
  accel: 'kvm',
  cpu: 'host',
  firmware: { kind: 'uefi', code: '/fw/OVMF_CODE.fd', vars: '/d/vars.fd' },
}
const direct: QemuSpec = {
  ...virtio,
  kernel: { image: '/i/vmlinuz', initrd: '/i/initrd', append: 'root=/dev/vda1 console=ttyS0,115200' },
}

/** All values of one flag. */
function values(spec: QemuSpec, flag: string): string[] {
  const args = qemuArgs(spec)
  return args.flatMap((arg, index) => (arg === flag ? [args[index + 1] ?? ''] : []))
}

const start = [
  ...['-name', 'mayfly-m1', '-machine', 'pc,usb=off,vmport=off,memory-backend=ram'],
  ...['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max', '-smp', '3', '-m', '1536M'],
  ...[
    '-object',
    'memory-backend-memfd,id=ram,size=1536M',
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
  ],
  ...['-no-reboot', '-rtc', 'base=utc,clock=host', '-boot', 'strict=on,menu=off'],
]
const overlay = [
  '-drive',
  'file=/d/overlay.qcow2,if=none,id=d0,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap,aio=threads',
]
const seed = ['-drive', 'file=/d/seed.iso,if=none,id=cd0,format=raw,media=cdrom,readonly=on']
const web = [
  ...['-netdev', 'user,id=n0,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'],
  ...['-device', 'virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01,romfile='],
]
const end = [
  ...['-device', 'virtio-rng-pci', '-device', 'pvpanic-pci', '-chardev'],
  'socket,id=ser,path=/r/serial.sock,server=on,wait=off,logfile=/d/console.raw,logappend=on',
  ...['-serial', 'chardev:ser', '-chardev', 'socket,id=qmp,path=/r/qmp.sock,server=on,wait=off'],
  ...['-mon', 'chardev=qmp,mode=control'],
  ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
]
const virtioDisk = [...overlay, '-device', 'virtio-blk-pci,drive=d0,bootindex=1']
const seedFirst = [...seed, '-device', 'ide-cd,drive=cd0,bus=ide.0']

describe('qemuArgs', () => {
  it.each<[string, QemuSpec, string[]]>([
    ['a virtio machine', virtio, [...start, ...virtioDisk, ...seedFirst, ...web, ...end]],
    [
      'a machine with its disk on SCSI',
      scsi,
      [
        ...[...start, ...overlay, '-device', 'virtio-scsi-pci,id=scsi0'],
        ...['-device', 'scsi-hd,drive=d0,bus=scsi0.0,bootindex=1', ...seedFirst, ...web, ...end],
      ],
    ],
    [
      'a machine with its disk on IDE',
      ide,
      [
        ...[...start, ...overlay, '-device', 'ide-hd,drive=d0,bus=ide.0,bootindex=1'],
        ...[...seed, '-device', 'ide-cd,drive=cd0,bus=ide.1', ...web, ...end],
      ],
    ],
    [
      'a machine with an e1000 card, the internet and a second card',
      e1000,
      [
        ...[...start, ...virtioDisk, ...seedFirst],
        ...['-netdev', 'user,id=n0,restrict=off,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'],
        ...['-device', 'e1000,netdev=n0,mac=52:54:00:00:00:01,romfile='],
        ...['-netdev', 'user,id=n1,restrict=on,ipv6=off,net=10.0.3.0/24'],
        ...['-device', 'virtio-net-pci,netdev=n1,mac=52:54:00:00:00:02,romfile=', ...end],
      ],
    ],
    [
      'a UEFI machine on KVM',
      uefi,
      [
        ...start.map((arg) => ({ max: 'host', 'tcg,thread=multi,tb-size=512': 'kvm' })[arg] ?? arg),
        ...['-drive', 'if=pflash,unit=0,format=raw,readonly=on,file=/fw/OVMF_CODE.fd'],
        ...['-drive', 'if=pflash,unit=1,format=raw,file=/d/vars.fd'],
        ...[...virtioDisk, ...seedFirst, ...web, ...end],
      ],
    ],
    [
      'a machine that boots its kernel directly',
      direct,
      [
        ...[...start, '-kernel', '/i/vmlinuz', '-initrd', '/i/initrd'],
        ...['-append', 'root=/dev/vda1 console=ttyS0,115200', ...virtioDisk, ...seedFirst, ...web, ...end],
      ],
    ],
  ])('is exactly this for %s', (_, spec, golden) => {
    expect(qemuArgs(spec)).toEqual(golden)
  })

  it('AC1: has the overlay as its only virtio disk and the seed as a read-only IDE CD that is never booted', () => {
    const devices = values(virtio, '-device')
    expect(devices.filter((device) => device.startsWith('virtio-blk'))).toEqual([
      'virtio-blk-pci,drive=d0,bootindex=1',
    ])
    expect(devices.filter((device) => device.includes('cd0'))).toEqual(['ide-cd,drive=cd0,bus=ide.0'])
    expect(devices.filter((device) => device.includes('bootindex'))).toHaveLength(1)
    expect(values(virtio, '-drive')[1]).toMatch(/media=cdrom,readonly=on$/)
  })

  it('AC55: caches the throw-away overlay without a flush, names every format, and never opens a base to write', () => {
    const [disk, seed] = values(virtio, '-drive')
    expect(disk).toContain('format=qcow2,cache=unsafe,discard=unmap')
    expect(seed).toContain('format=raw')
    expect(qemuArgs(virtio).join(' ')).not.toContain('backing')
  })

  it('leaves the CD out when there is no seed', () => {
    expect(qemuArgs({ ...virtio, seed: undefined }).join(' ')).not.toMatch(/cdrom|ide-cd/)
  })

  it('AC2: hands CPUs and memory over unchanged, also after the spec was stored and read again', () => {
    const restored = JSON.parse(JSON.stringify(virtio)) as QemuSpec
    for (const spec of [virtio, restored]) {
      expect(values(spec, '-smp')).toEqual(['3'])
      expect(values(spec, '-m')).toEqual(['1536M'])
      expect(values(spec, '-object')).toEqual(['memory-backend-memfd,id=ram,size=1536M'])
    }
  })

  it.each(['none', 'web', 'internet'] as const)(
    'AC7, AC41: forwards SSH from loopback only in mode %s',
    (mode) => {
      const spec = { ...virtio, network: { ...virtio.network, mode } }
      const forwards = qemuArgs(spec).filter((arg) => arg.includes('hostfwd'))
      expect(forwards).toHaveLength(1)
      expect(forwards[0]).toMatch(/,hostfwd=tcp:127\.0\.0\.1:0-:22$/)
      expect(forwards[0]).toContain(`restrict=${mode === 'internet' ? 'off' : 'on'},ipv6=off`)
    },
  )

  it('AC24: gives the card that the profile names', () => {
    expect(values(e1000, '-device')).toContain('e1000,netdev=n0,mac=52:54:00:00:00:01,romfile=')
    expect(values(virtio, '-device')).toContain('virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01,romfile=')
  })

  it('AC31: gives two cards two addresses', () => {
    const macs = values(e1000, '-device').flatMap((device) => /mac=([^,]+)/.exec(device)?.[1] ?? [])
    expect(new Set(macs).size).toBe(2)
  })

  it('keeps the memory of a template in a file, and maps it privately for a clone, which waits for its state', () => {
    const sockets = { ...virtio.sockets, control: '/r/control.sock' }
    const template: QemuSpec = {
      ...virtio,
      sockets,
      memoryFile: { path: '/t/ram', use: 'written', readOnly: false },
    }
    expect(values(template, '-object')).toEqual([
      'memory-backend-file,id=ram,size=1536M,mem-path=/t/ram,share=on',
    ])
    expect(values(template, '-device')).toContain('virtserialport,chardev=ctl,name=mayfly')
    expect(values(template, '-incoming')).toEqual([])
    const clone: QemuSpec = {
      ...template,
      memoryFile: { path: '/t/ram', use: 'private', readOnly: true },
      incoming: true,
    }
    expect(values(clone, '-object')).toEqual([
      'memory-backend-file,id=ram,size=1536M,mem-path=/t/ram,share=off,readonly=on,rom=off',
    ])
    expect(values(clone, '-incoming')).toEqual(['defer'])
    expect(values(clone, '-device')).toEqual(values(template, '-device'))
  })

  it('doubles commas in paths', () => {
    const spec = { ...virtio, seed: '/d,a/seed,1.iso', serialLog: '/d,a/console.raw' }
    expect(values(spec, '-drive')[1]).toContain('file=/d,,a/seed,,1.iso,if=none')
    expect(values(spec, '-chardev')[0]).toContain('logfile=/d,,a/console.raw,logappend=on')
  })

  it.each<[string, Partial<QemuSpec>]>([
    ['memory that is no whole MiB', { memory: 2 ** 20 + 1 }],
    ['no memory', { memory: 0 }],
    ['half a CPU', { cpus: 1.5 }],
    ['no CPU', { cpus: 0 }],
    ['a relative path', { seed: 'nbd:host:1' }],
    ['a path of two lines', { seed: '/a\nb' }],
  ])('refuses %s', (_, changes) => {
    expect(() => qemuArgs({ ...virtio, ...changes })).toThrow(ConfigError)
  })

  it.each<[string, QemuSpec]>([
    ['virtio', virtio],
    ['SCSI', scsi],
    ['IDE', ide],
    ['e1000', e1000],
  ])('is taken by a real QEMU for %s, commas and all', async (_, golden) => {
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-args,'))
    const spec = await realSpec(golden, folder)
    const qemu = startQemu([...qemuArgs(spec), '-S'])
    try {
      const signal = new AbortController().signal
      const qmp = await connectQmp({ path: spec.sockets.qmp, signal, deadline: Date.now() + 15_000 })
      expect(await qmp.execute('query-status')).toMatchObject({ status: 'prelaunch', running: false })
      expect(await qmp.execute('query-cpus-fast')).toHaveLength(3)
      expect(await qmp.execute('query-memory-size-summary')).toMatchObject({ 'base-memory': spec.memory })
      const blocks = (await qmp.execute('query-block')) as { inserted: { file: string; ro: boolean } }[]
      expect(blocks.map(({ inserted }) => [inserted.file, inserted.ro])).toEqual([
        [spec.disk.path, false],
        [spec.seed, true],
      ])
      await qmp.execute('quit')
      await qemu.exited
      expect(qemu.stderr()).toBe('')
      expect(qemu.child.exitCode).toBe(0)
      expect(statSync(spec.serialLog).isFile()).toBe(true)
      expect(existsSync(spec.sockets.qmp)).toBe(false)
    } finally {
      await qemu.stop()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('macAddress', () => {
  it('is locally administered, and the same for the same machine', () => {
    expect(macAddress('m1')).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/)
    expect(macAddress('m1')).toBe(macAddress('m1'))
  })

  it('AC31: differs between the cards of one machine and between machines', () => {
    const macs = Array.from({ length: 200 }, (_, index) => macAddress(`machine-${index >> 1}`, index & 1))
    expect(new Set(macs).size).toBe(200)
  })
})

/** The same machine with files that are there; small memory, for four of these run in a test. */
async function realSpec(spec: QemuSpec, folder: string): Promise<QemuSpec> {
  const disk = join(folder, 'overlay.qcow2')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M'])
  const iso = join(folder, 'seed.iso')
  await writeFile(iso, isoImage({ volumeId: 'cidata', files: [], modified: new Date() }))
  return {
    ...spec,
    memory: 256 * 2 ** 20,
    disk: { ...spec.disk, path: disk },
    seed: iso,
    sockets: { qmp: join(folder, 'qmp.sock'), serial: join(folder, 'serial.sock') },
    serialLog: join(folder, 'console.raw'),
  }
}
