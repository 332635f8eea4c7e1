import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '../../../config/errors.ts'

type Locate = {
  /** What the command was given: a pipeline file, or a folder that holds one. */
  named: string
  /** The folder to upload, where it is another than the file's. */
  dir: string | undefined
  /** Name of the pipeline file in a folder. */
  fileName: string
}

/**
 * The pipeline file that is meant, as it was written, and the absolute path of the folder that goes with it.
 * @throws ConfigError where there is no such folder
 */
export function locate({ named, dir, fileName }: Locate): { file: string; directory: string } {
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory() === true
  const file = isFolder ? join(named, fileName) : named
  const directory = resolve(dir ?? dirname(file))
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ConfigError(`expected a folder to upload, found none at ${directory}`)
  }
  return { file, directory }
}
