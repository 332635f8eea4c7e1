import { z } from 'zod'

const cols = z.int().min(2).max(1000)
const rows = z.int().min(1).max(1000)
const offset = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

const schema = z.discriminatedUnion('type', [
  /** The first one, or the one after `gone`. */
  z.object({ type: z.literal('open'), cols, rows }),
  /** The first one of a browser that was here before; `at` is the offset up to which it has the output. */
  z.object({ type: z.literal('resume'), id: z.string().max(100), at: offset, cols, rows }),
  z.object({ type: z.literal('resize'), cols, rows }),
  /** Everything up to there was shown. */
  z.object({ type: z.literal('shown'), at: offset }),
  z.object({ type: z.literal('end') }),
])

/** What a browser says beside the bytes that it types. */
export type BrowserMessage = z.output<typeof schema>

/** What it is told beside the bytes that it shows. */
export type TerminalMessage =
  /** `from` is the offset of the next byte; bytes before `to` were said before, so that nobody is to answer them. */
  | {
      readonly type: 'opened'
      readonly id: string
      readonly until: string
      readonly from: number
      readonly to: number
    }
  /** What was to be resumed is no more; `open` opens another. */
  | { readonly type: 'gone' }
  /** So many bytes that were typed have been taken, of all since this connection began. */
  | { readonly type: 'typed'; readonly at: number }
  /** A sign of life. */
  | { readonly type: 'beat' }
  /** There is nothing more to come, and no use in coming back. */
  | { readonly type: 'ended'; readonly why: string }

/** Undefined for what is no message. */
export function readBrowserMessage(text: string): BrowserMessage | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
