import type { PeerMachine } from './peer-machine.ts'

/** The arguments of autopkgtest-virt-qemu, which takes QEMU's own as words: none of them may hold a space. */
export function autopkgtestArgs(machine: PeerMachine, config: string): string[] {
  const { cpus, memory, accel, seed, folder, disk } = machine
  const qemu = ['-readconfig', config, '-cpu', accel === 'kvm' ? 'host' : 'max', '-cdrom', seed]
  return [
    ['--cpus', String(cpus)],
    ['--ram-size', String(memory)],
    // A minute is little under emulation.
    ['--timeout-reboot', '600'],
    ['--overlay-dir', folder],
    ['--qemu-options', qemu.join(' ')],
    [disk],
  ].flat()
}

/** QEMU's configuration for `-readconfig`: the kernel's command line has spaces. Wins over autopkgtest's -enable-kvm. */
export function machineConfig({ kernel, accel }: PeerMachine): string {
  const { image, initrd, append } = kernel
  const keys = Object.entries({ accel, kernel: image, initrd, append })
  return ['[machine]', ...keys.map(([key, value]) => `  ${key} = "${value}"`), ''].join('\n')
}
