import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { shareNext } from '../../runner/share-next.ts'
import type { Archive } from './archive.ts'
import { readRegister } from './register.ts'

type Parts = {
  readonly redis: Redis
  readonly prefix: string
  readonly archive: Pick<Archive, 'keepRegister'>
  readonly log: Pick<Logger, 'warn'>
}

/** Gives what keeps the register in the archive as it is now, if it has changed; never rejects. */
export function createKeepRegister({ redis, prefix, archive, log }: Parts): () => Promise<void> {
  let kept: string | undefined
  return shareNext(async () => {
    try {
      const text = await readRegister({ redis, prefix })
      if (text === undefined || text === kept) return
      await archive.keepRegister(text)
      kept = text
    } catch (error) {
      log.warn({ err: error }, 'repositories, tokens and secrets could not be kept in the archive')
    }
  })
}
