import { promisify } from 'node:util'
import { gunzip, gzip, gzipSync } from 'node:zlib'

/** bytes. Up to here a thread of its own costs more than it takes off this one. */
const smallBody = 32 * 1024

const compressLarge = promisify(gzip)
const decompress = promisify(gunzip)
const packed = new WeakMap<Buffer, Promise<Buffer>>()

/** The body of a delivery as it is kept, gzip; packed once, however many keep it. Nobody may write to it after that. */
export function packBody(body: Buffer): Promise<Buffer> {
  const known = packed.get(body) ?? compress(body)
  packed.set(body, known)
  return known
}

/** @throws {Error} where it is no gzip */
export const unpackBody = (bytes: Buffer): Promise<Buffer> => decompress(bytes)

async function compress(body: Buffer): Promise<Buffer> {
  return body.length <= smallBody ? gzipSync(body, { level: 1 }) : await compressLarge(body, { level: 1 })
}
