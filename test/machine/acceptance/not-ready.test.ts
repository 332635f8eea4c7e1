import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ShelfImage } from '../../../images/image.ts'
import { expectNothingLeft } from '../mayfly.ts'
import { type Boot, localImage, makeDataFolder, removeDataFolder, startBoot } from './boot.ts'

// The private half of another key than the one on the seed CD, where a test asks for it.
const keys = vi.hoisted(() => ({ wrong: false }))
vi.mock('../../../runner/keys/key-pair.ts', async (original) => {
  const { makeKeyPair } = await original<typeof import('../../../runner/keys/key-pair.ts')>()
  const mixed = (id: string) => ({ ...makeKeyPair(id), privateKey: makeKeyPair(id).privateKey })
  return { makeKeyPair: (id: string) => (keys.wrong && !id.endsWith('-host') ? mixed(id) : makeKeyPair(id)) }
})

let data: string

beforeAll(async () => {
  data = await makeDataFolder()
})
afterAll(() => removeDataFolder(data))

describe('a machine that never becomes ready', () => {
  it('AC25: is given up when no SSH server comes, with its gate and the last lines of its console', async () => {
    const boot = await startBoot({
      data,
      image: await bootedWith('systemd.mask=ssh.service'),
      host: { boot: { cpuTime: 600_000, quiet: 10_000 } },
    })
    await expect(boot.ready).rejects.toMatchObject({
      class: 'boot',
      message: expect.stringMatching(/^the machine did not pass gate banner in .*: the guest has been /),
      hint: expect.stringContaining('no SSH server spoke'),
    })
    expect(boot.gates).toEqual(['qmp'])
    const [last = ''] = boot.notes.filter((note) => note.startsWith('the last lines of the console:\n'))
    expect(last).toContain('Reached target')
    expect(last.split('\n').length).toBeLessThanOrEqual(41)
    await expectGone(boot)
  })

  it('AC25: is not taken for ready when its SSH server speaks but refuses the key', async () => {
    keys.wrong = true
    const boot = await startBoot({ data })
    await expect(boot.ready).rejects.toMatchObject({
      class: 'boot',
      message: expect.stringMatching(
        /^the machine did not pass gate auth in .*authentication methods failed/,
      ),
      hint: expect.stringContaining('refused the key'),
    })
    expect(boot.gates).toEqual(['qmp', 'banner'])
    await expectGone(boot)
  })
})

/** The shared image with more words on its kernel's command line. */
async function bootedWith(words: string): Promise<ShelfImage> {
  const image = await localImage()
  if (image.kernel === undefined) throw new Error('expected an image with a kernel beside it')
  return { ...image, kernel: { ...image.kernel, append: `${image.kernel.append} ${words}` } }
}

async function expectGone({ paths }: Boot): Promise<void> {
  await expectNothingLeft({ data })
  expect(existsSync(paths.runFolder)).toBe(false)
}
