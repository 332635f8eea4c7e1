import { accessSync, constants, mkdirSync } from 'node:fs'
import type { Command } from 'commander'
import { dataFolder as chooseDataFolder } from '../../config/data-folder.ts'
import { ConfigError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import { loadHostConfig } from '../../config/host/load-host-config.ts'
import { debianLocalBuilder } from '../../images/build-debian-local.ts'
import { openShelf, type Shelf } from '../../images/shelf.ts'

export type HostOptions = { readonly data?: string; readonly config?: string }

/** The options of every command that works on this host. */
export function withHostOptions(command: Command): Command {
  return command
    .option(
      '--data <folder>',
      'data folder (default: $MAYFLY_DATA, else the host file, else /var/lib/mayfly or XDG)',
    )
    .option('--config <file>', 'host file (default: $MAYFLY_CONFIG, else /etc/mayfly/mayfly.yml)')
}

export type ThisHost = { readonly host: HostConfig; readonly dataFolder: string; readonly shelf: Shelf }

/** Reads the host file, makes the data folder and opens the shelf. Throws ConfigError for what is wrong with them. */
export async function openThisHost({ data, config }: HostOptions): Promise<ThisHost> {
  const env = process.env
  const host = await loadHostConfig({ file: config, env })
  const dataFolder = chooseDataFolder({ flag: data, env, host })
  makeWritable(dataFolder)
  const shelf = openShelf({
    dataFolder,
    overrides: host.images,
    builders: { 'debian-12-local': debianLocalBuilder() },
    limits: { imageBytes: host.limits.imageBytes },
  })
  return { host, dataFolder, shelf }
}

function makeWritable(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new ConfigError(`expected a data folder that can be written, found ${folder}, which cannot`, {
      hint: 'choose another with --data FOLDER or MAYFLY_DATA',
      cause,
    })
  }
}
