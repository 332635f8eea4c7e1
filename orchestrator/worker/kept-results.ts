import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { failureClasses } from '../../config/errors.ts'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { endStates } from '../model/build.ts'

const schema = z.object({
  job: z.string(),
  attempt: z.number(),
  /** Only this claim's verdict it is. */
  claim: z.number(),
  ending: z.object({
    state: z.enum(endStates),
    failure: z.enum(failureClasses).optional(),
    reason: z.string().optional(),
    hint: z.string().optional(),
    /** ISO 8601 */
    ended: z.string(),
  }),
})

/** The verdict on an attempt at a job that ran on this host. */
export type KeptResult = Readonly<z.infer<typeof schema>>

/** Verdicts on this host's disk, from when they are known until the store has them: Redis may be away, and we may die. */
export type KeptResults = {
  keep(result: KeptResult): Promise<void>
  forget(result: KeptResult): Promise<void>
  /** Those of this and of earlier processes. */
  list(): Promise<KeptResult[]>
}

/** @param folder made when it is needed */
export function createKeptResults(folder: string): KeptResults {
  const fileOf = ({ job, claim }: KeptResult) => join(folder, `${encodeURIComponent(job)}.${claim}.json`)
  return {
    keep: async (result) => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFileAtomic(fileOf(result), JSON.stringify(result), 0o600)
    },
    forget: (result) => rm(fileOf(result), { force: true }),
    list: async () => {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
      const found = await Promise.all(names.map((name) => read(join(folder, name))))
      return found.filter((result) => result !== undefined)
    },
  }
}

async function read(path: string): Promise<KeptResult | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}
