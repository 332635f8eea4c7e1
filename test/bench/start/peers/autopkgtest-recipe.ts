import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Of the image's recipe: its list of packages, and the script that customizes it. */
export type RecipeTexts = { readonly packages: string; readonly customize: string }

const device = '%I'
/** The root shell on a second port, as autopkgtest's own setup-testbed writes it (autopkgtest 5.28). */
const shellUnit = `[Unit]
Description=autopkgtest root shell on ${device}
ConditionPathExists=/dev/${device}

[Service]
ExecStart=/bin/sh
StandardInput=tty-fail
StandardOutput=tty
StandardError=tty
TTYPath=/dev/${device}
SendSIGHUP=yes
SuccessExitStatus=0 208 SIGHUP SIGINT SIGTERM SIGPIPE

[Install]
WantedBy=multi-user.target
`

/** Writes the recipe of debian-12-local into a folder, with what autopkgtest needs of an image. */
export async function writeAutopkgtestRecipe(recipe: string, folder: string): Promise<void> {
  await cp(recipe, folder, { recursive: true })
  const read = (name: string) => readFile(join(recipe, name), 'utf8')
  const texts = adaptRecipe({ packages: await read('packages'), customize: await read('customize') })
  await writeFile(join(folder, 'packages'), texts.packages)
  await writeFile(join(folder, 'customize'), texts.customize)
  const units = join(folder, 'files', 'etc', 'systemd', 'system')
  await mkdir(units, { recursive: true })
  await writeFile(join(units, 'autopkgtest@.service'), shellUnit)
}

/**
 * A login prompt on the first port and a root shell on two others; and Debian's ordinary kernel, because the one for
 * clouds cannot mount 9p, over which autopkgtest reaches its guest.
 *
 * @throws where the recipe is not what this was written for
 */
export function adaptRecipe({ packages, customize }: RecipeTexts): RecipeTexts {
  const start = customize.indexOf('systemctl enable ')
  if (start === -1) throw new Error('expected a recipe that enables units')
  const enable = 'systemctl enable --quiet autopkgtest@ttyS1.service autopkgtest@hvc1.service\n'
  const withShell = `${customize.slice(0, start)}${enable}${customize.slice(start)}`
  const modules = 'isofs ext4 virtio_console 9p 9pnet_virtio'
  return {
    packages: replaced(packages, 'linux-image-cloud-amd64', 'linux-image-amd64'),
    customize: replaced(replaced(withShell, ' serial-getty@ttyS0.service', ''), 'isofs pvpanic_pci', modules),
  }
}

function replaced(text: string, what: string, by: string): string {
  if (text.includes(what)) return text.replace(what, by)
  throw new Error(`expected a recipe with ${JSON.stringify(what)}`)
}
