import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { isAlive, ownIdentity, processIdentitySchema } from '../../images/process-identity.ts'

const processesFolder = (dataFolder: string) => join(dataFolder, 'host', 'processes')
const processFile = (dataFolder: string, hostName: string) =>
  join(processesFolder(dataFolder), `${encodeURIComponent(hostName)}.json`)

type Process = { readonly dataFolder: string; readonly hostName: string }

export type Sign = {
  /** Takes it back, when this process ends in good order; not where it has left jobs. */
  signOut(): Promise<void>
  /** Says that it ends in good order and its jobs are the next process's. */
  leaveJobs(): Promise<void>
}

/** Says that this process runs jobs here under a name. */
export async function signIn({ dataFolder, hostName }: Process): Promise<Sign> {
  await mkdir(processesFolder(dataFolder), { recursive: true, mode: 0o700 })
  const write = async (fields: object) => {
    const text = JSON.stringify({ ...ownIdentity(), ...fields })
    await writeFileAtomic(processFile(dataFolder, hostName), text, 0o600)
  }
  await write({})
  let hasLeft = false
  return {
    signOut: async () => {
      if (!hasLeft) await signOut({ dataFolder, hostName })
    },
    leaveJobs: async () => {
      hasLeft = true
      await write({ leftJobs: true })
    },
  }
}

export async function signOut({ dataFolder, hostName }: Process): Promise<void> {
  await rm(processFile(dataFolder, hostName), { force: true })
}

/** A process that ran jobs here and is gone. */
export type GoneProcess = {
  readonly hostName: string
  /** It ended in good order and left them; else it was killed. */
  readonly leftJobs: boolean
}

const signSchema = processIdentitySchema.extend({ leftJobs: z.boolean().optional() })

/** Those that signed in and never out. */
export async function findGone(dataFolder: string): Promise<GoneProcess[]> {
  const folder = processesFolder(dataFolder)
  const gone: GoneProcess[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith('.json')) continue
    const text = await readFile(join(folder, name), 'utf8').catch(() => '')
    const sign = signSchema.safeParse(tryParse(text)).data
    if (sign === undefined || !isAlive(sign))
      gone.push({ hostName: decodeURIComponent(name.slice(0, -5)), leftJobs: sign?.leftJobs === true })
  }
  return gone
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
