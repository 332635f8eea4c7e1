import type { Setup } from '../../../runner/checkpoint/setup.ts'
import type { TemplateSubject } from '../../../runner/template/template-key.ts'
import { shelfImage } from '../../shelf-image.ts'

/** The setup of a job, as its repository's own push has it. */
export function aSetup(parts: Partial<Setup> = {}): Setup {
  return {
    scripts: ['apt-get update', 'apt-get install -y make'],
    shell: 'sh -e',
    files: 'd1',
    preparation: { workdir: '/home/ci/work', env: { CI: 'true', FLAVOUR: 'plain' } },
    maxAge: 24 * 60 * 60 * 1000,
    access: { scope: 'repository github:o/r', readsAll: false, mayKeep: true },
    by: { build: 'b1', job: 'b1-main' },
    ...parts,
  }
}

/** The machine that a setup runs in. */
export const aSubject: TemplateSubject & { readonly network: 'none' | 'web' } = {
  image: shelfImage('debian-12-local'),
  resources: { cpus: 2, memory: 2 ** 30, disk: 10 * 2 ** 30 },
  network: 'web',
  accel: { accel: 'tcg', reason: 'no KVM' },
  qemu: { binary: '/usr/bin/qemu-system-x86_64', version: '7.2.22' },
}
