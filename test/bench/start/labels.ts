import type { What } from './contender.ts'

/** What a reader who knows none of it calls them. */
export const labels: Readonly<Record<What, string>> = {
  cold: 'cold boot',
  template: 'template',
  pool: 'pool',
  checkpoint: 'checkpoint',
  packer: 'packer (QEMU)',
  autopkgtest: 'autopkgtest-virt-qemu',
}
