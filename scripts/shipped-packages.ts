import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')

const locked = z.object({
  version: z.string(),
  license: z.string().optional(),
  integrity: z.string().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
})
const lock = z.object({ packages: z.record(z.string(), locked) })
/** Older packages have a list of licences. */
const own = z.object({
  license: z.string().optional(),
  licenses: z.array(z.object({ type: z.string() })).optional(),
})

export type ShippedPackage = {
  /** Such as `node_modules/ssh2`, as the lock file has it. */
  readonly path: string
  readonly name: string
  readonly version: string
  /** An SPDX expression; undefined where neither the lock file nor the package itself says. */
  readonly licence: string | undefined
  /** `sha512-…`; undefined for what is of other computers than the one that wrote the lock file. */
  readonly integrity: string | undefined
  readonly isInstalled: boolean
  readonly isOptional: boolean
}

/** The packages that Mayfly runs with, those for its development left out, in the order of the lock file. */
export function shippedPackages(): ShippedPackage[] {
  const { packages } = lock.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  return Object.entries(packages).flatMap(([path, each]) => {
    const { version, license, integrity, dev, optional } = each
    if (path === '' || dev) return []
    const installed = manifestOf(path)
    const licence = license ?? installed?.license ?? installed?.licenses?.map(({ type }) => type).join(' OR ')
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const isInstalled = installed !== undefined
    return [{ path, name, version, licence, integrity, isInstalled, isOptional: optional === true }]
  })
}

function manifestOf(path: string): z.infer<typeof own> | undefined {
  try {
    return own.parse(JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')))
  } catch {
    return undefined
  }
}
