import type { JobSource } from '../job/job-order.ts'
import { chooseFiles } from './choose-files.ts'
import { directoryTar } from './directory-tar.ts'

/** The files of a job that runs on a directory of this computer. */
export function directorySource(from: { directory: string; limits: { bytes: number } }): JobSource {
  return {
    tree: (signal) => directoryTar({ ...from, signal }),
    files: (patterns, signal) =>
      directoryTar({ ...from, signal, choose: (list) => chooseFiles(list, patterns) }),
  }
}
