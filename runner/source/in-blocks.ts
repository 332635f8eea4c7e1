const blockSize = 64 * 1024

/** Joins small chunks into blocks of 64 KiB: a tar of small files is made of 512 byte pieces, each a packet else. */
export async function* inBlocks(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    gathered.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length < blockSize) continue
    yield Buffer.concat(gathered, length)
    gathered = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(gathered, length)
}
