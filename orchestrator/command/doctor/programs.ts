import { findProgram } from '../../../runner/host/find-program.ts'
import type { Finding } from './finding.ts'

type Program = {
  readonly name: string
  readonly debian: string
  readonly use: string
  /** Without it jobs run, but not all of them. */
  readonly optional?: true
}

const programs: readonly Program[] = [
  { name: 'qemu-system-x86_64', debian: 'qemu-system-x86', use: 'runs the machines' },
  { name: 'qemu-img', debian: 'qemu-utils', use: 'makes their disks' },
  { name: 'prlimit', debian: 'util-linux', use: 'bounds what QEMU may take' },
  { name: 'setpriv', debian: 'util-linux', use: 'ends QEMU with Mayfly' },
  { name: 'git', debian: 'git', use: 'knows which files belong to a repository' },
  { name: 'mmdebstrap', debian: 'mmdebstrap', use: 'builds debian-12-local' },
  { name: 'mke2fs', debian: 'e2fsprogs', use: 'builds debian-12-local' },
  { name: 'xz', debian: 'xz-utils', use: 'unpacks images', optional: true },
  { name: 'zstd', debian: 'zstd', use: 'unpacks images', optional: true },
  { name: 'redis-server', debian: 'redis-server', use: 'is the queue of mayfly serve', optional: true },
]

/** Building an image without being root needs a user namespace and a stand-in for root. */
const rootlessPrograms: readonly Program[] = [
  { name: 'fakeroot', debian: 'fakeroot', use: 'builds debian-12-local without root', optional: true },
  { name: 'newuidmap', debian: 'uidmap', use: 'builds debian-12-local without root', optional: true },
]

/** Which of the programs that Mayfly calls are on `path`. No tool writes the seed CD: Mayfly does that itself. */
export async function checkPrograms(path: string, root: boolean): Promise<Finding[]> {
  const wanted = root ? programs : [...programs, ...rootlessPrograms]
  return await Promise.all(wanted.map((program) => checkProgram(program, path)))
}

async function checkProgram({ name, debian, use, optional }: Program, path: string): Promise<Finding> {
  // Administration tools lie where an ordinary user's PATH does not look.
  const found = await findProgram(name, `${path}:/usr/sbin:/sbin`)
  if (found !== undefined) return { name, state: 'good', found: `${found} (${use})`, mend: undefined }
  const state = optional ? 'weak' : 'missing'
  return { name, state, found: `not found; it ${use}`, mend: `apt-get install ${debian}` }
}
