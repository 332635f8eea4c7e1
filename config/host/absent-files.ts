import { access } from 'node:fs/promises'
import type { Problem } from '../errors.ts'
import type { YamlFile } from '../yaml/yaml-file.ts'
import type { HostConfig } from './host-config.ts'

/** A problem for every disk, kernel and initrd of the host file that is not there: all of them at once. */
export const absentFiles = async (yaml: YamlFile, host: HostConfig): Promise<Problem[]> => {
  const named = Object.entries(host.images).flatMap(([image, entry]) =>
    (['path', 'kernel', 'initrd'] as const).flatMap((key) => {
      const path = entry[key]
      return path === undefined ? [] : [{ image, key, path }]
    }),
  )
  const problems = await Promise.all(
    named.map(async ({ image, key, path }) => {
      const found = await access(path).then(() => undefined, foundInstead)
      if (found === undefined) return []
      const message = `images.${image}.${key}: expected a readable file at ${path}, found ${found}`
      return [{ file: yaml.file, ...yaml.positionOf(['images', image, key]), message }]
    }),
  )
  return problems.flat()
}

const foundInstead = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'nothing' : `an error (${code})`
}
