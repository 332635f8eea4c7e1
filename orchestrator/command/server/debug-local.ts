import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { dataFolder as chooseDataFolder } from '../../../config/data-folder.ts'
import { ConfigError } from '../../../config/errors.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { openShelf } from '../../../images/shelf.ts'
import { keptName } from '../../../runner/machine/filenames.ts'
import { resumeOnHost } from '../../../runner/resume-on-host.ts'
import { findKept } from '../kept/find-kept.ts'
import { isParkedHere, visitParked } from '../kept/visit-parked.ts'
import { sshArgs } from '../kept/way-in.ts'
import { runSsh } from './run-ssh.ts'

type DebugLocal = {
  readonly id: string
  /** Empty for a shell. */
  readonly command: readonly string[]
  /** Ends the machine instead. */
  readonly end: boolean
  readonly data: string | undefined
  readonly config: string | undefined
}

/**
 * Goes straight into the machine that a `mayfly run --on-failure keep` on this computer keeps, or that one with `park` has
 * parked, which is resumed. Gives the exit code.
 * @throws ConfigError where it keeps none of that job
 */
export async function debugLocal({ id, command, end, data, config }: DebugLocal): Promise<number> {
  const env = process.env
  const host = await loadHostConfig({ file: config, env })
  const dataFolder = chooseDataFolder({ flag: data, env, host })
  const kept = await findKept(dataFolder, id)
  if (kept === undefined && isParkedHere(dataFolder, id)) {
    const shelf = openShelf({ dataFolder, overrides: host.images })
    const resumeParked = resumeOnHost({ host, dataFolder })
    const tell = (line: string) => void process.stderr.write(`Mayfly: ${line}\n`)
    return await visitParked({ dataFolder, shelf, id, command, end, resumeParked, tell })
  }
  if (kept === undefined) {
    throw new ConfigError(`expected a job whose machine is kept in ${dataFolder}, found none of ${id}`, {
      hint: 'mayfly run --on-failure park parks it, and keep keeps it while that command runs; --data FOLDER names another data folder',
    })
  }
  if (end) {
    await rm(join(kept.login.folder, keptName), { force: true })
    return 0
  }
  if (command.length === 0) process.stderr.write(`Mayfly: ${kept.greeting}\n\n`)
  return await runSsh([...sshArgs(kept.login), ...(command.length === 0 ? [] : ['--', ...command])])
}
