import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import type { Problem } from '../errors.ts'
import type { YamlFile } from '../yaml/yaml-file.ts'
import type { HostConfig } from './host-config.ts'

/**
 * A problem for every disk, kernel and initrd of the host file that QEMU could not open: all of them at once. QEMU is a
 * child of this process, in the same mounts and of the same user, so what cannot be read here cannot be read there.
 */
export const absentFiles = async (yaml: YamlFile, host: HostConfig): Promise<Problem[]> => {
  const named = Object.entries(host.images).flatMap(([image, entry]) =>
    (['path', 'kernel', 'initrd'] as const).flatMap((key) => {
      const path = entry[key]
      return path === undefined ? [] : [{ image, key, path }]
    }),
  )
  const problems = await Promise.all(
    named.map(async ({ image, key, path }) => {
      const found = await readableFile(path).catch(foundInstead)
      if (found === undefined) return []
      const message = `images.${image}.${key}: expected a readable file at ${path}, found ${found}`
      return [{ file: yaml.file, ...yaml.positionOf(['images', image, key]), message }]
    }),
  )
  return problems.flat()
}

/** What is there instead of a readable file or block device; undefined for one of these. Opens nothing: a pipe would block. */
const readableFile = async (path: string): Promise<string | undefined> => {
  const found = await stat(path)
  if (found.isDirectory()) return 'a folder'
  if (!found.isFile() && !found.isBlockDevice()) return 'something that is neither a file nor a disk'
  await access(path, constants.R_OK)
  return undefined
}

const foundInstead = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'nothing' : `an error (${code})`
}
