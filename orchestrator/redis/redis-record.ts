import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { processIdentitySchema } from '../../images/process-identity.ts'

const schema = processIdentitySchema.extend({ socket: z.string() })

/** Which process serves a data folder, and where it listens. */
export type RedisRecord = Readonly<z.infer<typeof schema>>

export async function writeRedisRecord(path: string, record: RedisRecord): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(record), 0o600)
}

/** Undefined where there is none, or none that makes sense. */
export async function readRedisRecord(path: string): Promise<RedisRecord | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}
