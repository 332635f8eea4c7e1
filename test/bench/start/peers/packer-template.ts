import { mark } from './mark.ts'
import type { PeerMachine } from './peer-machine.ts'

/**
 * Packer's template of one start: the disk as it is, a kernel, and one command over SSH. Set to be quick where packer
 * has a word for that: no wait before the login, no resizing, no compaction.
 *
 * @see https://developer.hashicorp.com/packer/integrations/hashicorp/qemu/latest/components/builder/qemu
 */
export function packerTemplate(machine: PeerMachine, outputFolder: string): object {
  const { disk, kernel, cpus, memory, accel, user, seed, key } = machine
  return {
    builders: [
      {
        type: 'qemu',
        iso_url: disk,
        iso_checksum: 'none',
        disk_image: true,
        // packer 1.6 makes overlays without -F, which qemu-img refuses since 6.1.
        use_backing_file: false,
        skip_resize_disk: true,
        skip_compaction: true,
        format: 'qcow2',
        output_directory: outputFolder,
        accelerator: accel,
        cpus,
        memory,
        headless: true,
        disable_vnc: true,
        // Its way to say none.
        boot_wait: '-1s',
        qemuargs: [
          ['-cpu', accel === 'kvm' ? 'host' : 'max'],
          ['-display', 'none'],
          ['-kernel', kernel.image],
          ['-initrd', kernel.initrd],
          ['-append', kernel.append],
          ['-cdrom', seed],
          // Its own line, but on loopback alone, and without a network beyond the host as our jobs have it here.
          ['-netdev', 'user,id=user.0,restrict=on,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22'],
        ],
        ssh_username: user,
        ssh_private_key_file: key,
        ssh_timeout: '15m',
      },
    ],
    provisioners: [{ type: 'shell', inline: [`echo ${mark}`] }],
  }
}
