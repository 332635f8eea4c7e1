import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { program } from '../../../orchestrator/command/program.ts'

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-paths-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Starts `mayfly serve` with images of these paths; gives its refusal, and whether it had begun anything. */
async function refusal(folder: string, images: Record<string, Record<string, string>>) {
  const file = join(folder, 'mayfly.yml')
  await writeFile(file, JSON.stringify({ listen: '127.0.0.1:0', images }, undefined, 1))
  const data = join(folder, 'data')
  const started = program().parseAsync(['node', 'mayfly', 'serve', '--config', file, '--data', data])
  const error = await started.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return { messages: (error as ConfigError).problems.map(({ message }) => message), begun: existsSync(data) }
}

describe('mayfly serve', () => {
  it('AC20: does not start, and lists every image path that is not there', async () => {
    const folder = await aFolder()
    const images = {
      a: { path: '/none/a.qcow2' },
      b: { path: join(folder, 'b.qcow2'), kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd') },
    }
    const { messages, begun } = await refusal(folder, images)
    expect(messages).toEqual([
      'images.a.path: expected a readable file at /none/a.qcow2, found nothing',
      `images.b.path: expected a readable file at ${folder}/b.qcow2, found nothing`,
      `images.b.kernel: expected a readable file at ${folder}/vmlinuz, found nothing`,
      `images.b.initrd: expected a readable file at ${folder}/initrd, found nothing`,
    ])
    expect(begun).toBe(false)
  })

  it('AC29: does not start with an image that QEMU would not see where this process runs', async () => {
    const folder = await aFolder()
    await mkdir(join(folder, 'folder.qcow2'))
    await symlink('/only/in/another/container.qcow2', join(folder, 'dangling.qcow2'))
    await symlink('loop.qcow2', join(folder, 'loop.qcow2'))
    const pipe = join(folder, 'pipe.qcow2')
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    const names = ['folder', 'dangling', 'loop', 'pipe']
    const images = Object.fromEntries(names.map((name) => [name, { path: join(folder, `${name}.qcow2`) }]))
    const { messages, begun } = await refusal(folder, images)
    expect(messages).toEqual([
      `images.folder.path: expected a readable file at ${folder}/folder.qcow2, found a folder`,
      `images.dangling.path: expected a readable file at ${folder}/dangling.qcow2, found nothing`,
      `images.loop.path: expected a readable file at ${folder}/loop.qcow2, found an error (ELOOP)`,
      `images.pipe.path: expected a readable file at ${pipe}, found something that is neither a file nor a disk`,
    ])
    expect(begun).toBe(false)
  })
})
