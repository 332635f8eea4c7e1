import { InfraError } from '../../config/errors.ts'

/** Longer than any reply of QEMU's (query-qmp-schema has 0.2 MB), short enough to hold. */
const longestLine = 4 * 1024 * 1024

/**
 * Cuts a byte stream into lines, however it was chopped on its way; chunks of one line are joined once.
 *
 * @throws {InfraError} from the returned function when a line grows beyond 4 MiB
 */
export function lineSplitter(): (chunk: Buffer) => string[] {
  let pending: Buffer[] = []
  let length = 0
  const hold = (part: Buffer) => {
    length += part.length
    if (length > longestLine) {
      pending = []
      throw new InfraError(
        'machine-died',
        `Expected a QMP message of at most ${longestLine} bytes, got more`,
        {
          hint: 'Something other than QEMU answers on the QMP socket.',
        },
      )
    }
    pending.push(part)
  }
  return (chunk) => {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      hold(chunk.subarray(start, end))
      lines.push(Buffer.concat(pending).toString('utf8'))
      pending = []
      length = 0
      start = end + 1
    }
    if (start < chunk.length) hold(chunk.subarray(start))
    return lines
  }
}

const newline = 0x0a
