import { describe, expect, it } from 'vitest'
import { aPeerMachine } from './a-peer-machine.ts'
import { autopkgtestArgs, machineConfig } from './autopkgtest-args.ts'
import { mark } from './mark.ts'
import { packerTemplate } from './packer-template.ts'

describe('the orders to the peers', () => {
  it('give packer the same disk, kernel, memory and processors, and a command that can be told', () => {
    const template = JSON.parse(JSON.stringify(packerTemplate(aPeerMachine, '/peers/out')))
    const [builder] = template.builders
    expect(builder).toMatchObject({
      iso_url: '/shelf/disk.qcow2',
      use_backing_file: false,
      cpus: 2,
      memory: 1024,
      accelerator: 'tcg',
      ssh_username: 'ci',
      ssh_private_key_file: '/peers/key',
    })
    const qemu = Object.fromEntries(builder.qemuargs)
    expect(qemu).toMatchObject({
      '-cpu': 'max',
      '-kernel': '/shelf/kernel',
      '-initrd': '/shelf/initrd',
      '-append': 'root=/dev/vda rw console=ttyS0',
      '-cdrom': '/peers/seed.iso',
    })
    expect(qemu['-netdev']).toContain('hostfwd=tcp:127.0.0.1:')
    expect(template.provisioners).toEqual([{ type: 'shell', inline: [`echo ${mark}`] }])
  })

  it('give autopkgtest the same, with what has spaces in a file', () => {
    const args = autopkgtestArgs(aPeerMachine, '/peers/machine.cfg')
    const following = (flag: string) => args[args.indexOf(flag) + 1]
    expect([following('--cpus'), following('--ram-size'), args.at(-1)]).toEqual([
      '2',
      '1024',
      '/shelf/disk.qcow2',
    ])
    expect(following('--qemu-options')).toBe('-readconfig /peers/machine.cfg -cpu max -cdrom /peers/seed.iso')
    expect(machineConfig(aPeerMachine)).toBe(`[machine]
  accel = "tcg"
  kernel = "/shelf/kernel"
  initrd = "/shelf/initrd"
  append = "root=/dev/vda rw console=ttyS0"
`)
  })

  it('take the processor of the host where there is KVM', () => {
    const machine = { ...aPeerMachine, accel: 'kvm' } as const
    expect(JSON.stringify(packerTemplate(machine, '/out'))).toContain('["-cpu","host"]')
    expect(autopkgtestArgs(machine, '/c').join(' ')).toContain('-cpu host')
    expect(machineConfig(machine)).toContain('accel = "kvm"')
  })
})
