import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { findProgram } from '../host/find-program.ts'

export type Qemu = { readonly binary: string; readonly version: string }

/** Finds QEMU and asks for its version. Throws InfraError('boot') naming the package when it is not there. */
export async function findQemu(name = 'qemu-system-x86_64'): Promise<Qemu> {
  const binary = await findProgram(name)
  if (binary === undefined) {
    throw new InfraError('boot', `expected ${name} on this host, found none`, {
      hint: 'apt-get install qemu-system-x86 qemu-utils',
    })
  }
  const { stdout } = await execa(binary, ['--version'], { reject: false, timeout: 10_000 })
  return { binary, version: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown' }
}
