import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageRoot } from '../../../../images/package-root.ts'
import { adaptRecipe, writeAutopkgtestRecipe } from './autopkgtest-recipe.ts'

describe('the recipe of an image for autopkgtest', () => {
  it('is that of debian-12-local with another kernel, 9p, a login prompt and a root shell', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-recipe-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const recipe = join(packageRoot(), 'images', 'debian-12-local')
    await writeAutopkgtestRecipe(recipe, folder)
    const read = (name: string) => readFile(join(folder, name), 'utf8')
    expect((await read('packages')).split('\n')[0]).toBe('linux-image-amd64')
    const customize = await read('customize')
    expect(customize).toMatch(/^for module in .* ext4 virtio_console 9p 9pnet_virtio; do$/m)
    expect(customize).toMatch(
      /^systemctl enable --quiet autopkgtest@ttyS1\.service autopkgtest@hvc1\.service$/m,
    )
    expect(customize).not.toContain('serial-getty')
    expect(await read('files/etc/systemd/system/autopkgtest@.service')).toContain('TTYPath=/dev/%I')
    expect(await read('make-disk')).toBe(await readFile(join(recipe, 'make-disk'), 'utf8'))
  })

  it('is refused where the image is made some other way by now', () => {
    const texts = { packages: 'linux-image-arm64\n', customize: 'systemctl enable --quiet ssh.service\n' }
    expect(() => adaptRecipe(texts)).toThrow('expected a recipe with')
    expect(() => adaptRecipe({ ...texts, customize: '' })).toThrow('expected a recipe that enables units')
  })
})
