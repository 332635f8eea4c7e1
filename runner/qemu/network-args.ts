import type { NicModel } from '../../images/image.ts'
import type { QemuNic } from './qemu-spec.ts'

/**
 * The network cards. The first takes SSH from a port that the kernel picks, on loopback or in its own network only; each further one
 * has a SLIRP network of its own, with another subnet.
 */
export function networkArgs(first: QemuNic, extra: readonly QemuNic[]): string[][] {
  return [
    ['-netdev', `${slirp('n0', first)},hostfwd=tcp:${first.sshAddress ?? '127.0.0.1'}:0-:22`],
    ['-device', device('n0', first)],
    ...extra.flatMap((nic, index) => [
      ['-netdev', `${slirp(`n${index + 1}`, nic)},net=10.0.${index + 3}.0/24`],
      ['-device', device(`n${index + 1}`, nic)],
    ]),
  ]
}

// restrict=on cuts off the host's loopback at 10.0.2.2 too; forwards still work. IPv6 would be a second way out.
function slirp(id: string, { mode }: QemuNic): string {
  return `user,id=${id},restrict=${mode === 'internet' ? 'off' : 'on'},ipv6=off`
}

// The empty romfile leaves out the network boot ROM, which only costs time.
function device(id: string, { nic, mac }: QemuNic): string {
  return `${models[nic]},netdev=${id},mac=${mac},romfile=`
}

const models: Record<NicModel, string> = { virtio: 'virtio-net-pci', e1000: 'e1000' }
