import type { LogFrame } from './log-feed.ts'

type Bytes = {
  readonly bytes: Buffer
  /** Where they stand in the log. */
  readonly offset: number
  /** Nothing comes after them, so that a character that has only begun is sent as it is. */
  readonly isLast: boolean
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Bytes of a log as a server-sent event; its data is JSON, for bytes may hold line breaks. */
export function logFrame({ bytes, offset, isLast }: Bytes): LogFrame {
  const whole = isLast ? bytes : wholeText(bytes)
  const end = offset + whole.length
  const data = JSON.stringify({ text: decoder.decode(whole), offset: end })
  return { bytes: Buffer.from(`event: log\ndata: ${data}\nid: ${end}\n\n`), end }
}

/**
 * The bytes without a character that has only begun: it is sent whole with what follows, since a reader that comes
 * back starts anew after the last event.
 */
function wholeText(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needed > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}
