import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { isAlive, ownIdentity, processIdentitySchema } from '../../images/process-identity.ts'

const schema = processIdentitySchema.extend({ url: z.string() })

/** Which process answers HTTP for a data folder, and where. `url` is on this computer, without a slash at its end. */
export type ServerRecord = Readonly<z.infer<typeof schema>>

const recordFile = (dataFolder: string) => join(dataFolder, 'server.json')

/** Says where this process listens, for commands on this computer; gives what takes that back. */
export async function writeServerRecord(dataFolder: string, url: string): Promise<() => Promise<void>> {
  const own = { ...ownIdentity(), url }
  await writeFileAtomic(recordFile(dataFolder), JSON.stringify(own), 0o600)
  return async () => {
    const now = await readServerRecord(dataFolder)
    if (now?.pid === own.pid && now.url === own.url) await rm(recordFile(dataFolder), { force: true })
  }
}

/** The server of a data folder; undefined where none runs. */
export async function readServerRecord(dataFolder: string): Promise<ServerRecord | undefined> {
  try {
    const record = schema.safeParse(JSON.parse(await readFile(recordFile(dataFolder), 'utf8'))).data
    return record !== undefined && isAlive(record) ? record : undefined
  } catch {
    return undefined
  }
}
