import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Engine } from './engine.ts'

/** The name by which the Dockerfile asks for it. */
const name = 'docker.io/library/debian:trixie-slim'

/** What the published image leaves out, too. */
const slim = ['man', 'locale', 'doc'].map((folder) => `path-exclude=/usr/share/${folder}/*\n`).join('')

/** Makes what the Dockerfile starts from out of Debian's packages, for no registry of images is asked. */
export async function makeBaseImage({ podman }: Engine): Promise<void> {
  const { exitCode } = await podman(['image', 'exists', name], { reject: false })
  if (exitCode === 0) return
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-base-'))
  try {
    const dpkg = join(folder, 'dpkg.cfg')
    const tar = join(folder, 'root.tar')
    await writeFile(dpkg, slim)
    await execa('mmdebstrap', ['--mode=root', '--variant=minbase', `--dpkgopt=${dpkg}`, 'trixie', tar])
    await podman(['import', tar, name])
  } finally {
    await rm(folder, { recursive: true })
  }
}
