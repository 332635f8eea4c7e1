import type { ObjectStore } from './object-store.ts'

/** An object as it was when its size was asked: one that grows is another then. */
type Sized = { readonly key: string; readonly bytes: number }

const blockBytes = 64 * 1024
/** Blocks that are kept, 8 MiB in all. */
const mostKept = 128

/**
 * Reads spans of objects. Small ones come by blocks, the last of which are kept: whoever looks for a line reads the same
 * few places again and again. Undefined where there is no such object any more.
 */
export function createBlockCache(
  store: Pick<ObjectStore, 'get'>,
): (object: Sized, span: { readonly start: number; readonly end: number }) => Promise<Buffer | undefined> {
  const kept = new Map<string, Promise<Buffer | undefined>>()
  const block = (object: Sized, index: number): Promise<Buffer | undefined> => {
    const name = `${object.key} ${object.bytes} ${index}`
    const start = index * blockBytes
    const known = kept.get(name)
    const bytes = known ?? store.get(object.key, { start, end: Math.min(object.bytes, start + blockBytes) })
    kept.delete(name)
    kept.set(name, bytes)
    if (known === undefined)
      void bytes.then(
        (got) => got ?? kept.delete(name),
        () => kept.delete(name),
      )
    const [oldest] = kept.keys()
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
    return bytes
  }
  return async (object, { start, end }) => {
    if (end - start > blockBytes) return await store.get(object.key, { start, end })
    const first = Math.floor(start / blockBytes)
    const last = Math.floor((end - 1) / blockBytes)
    const blocks = await Promise.all(
      Array.from({ length: last - first + 1 }, (_, index) => block(object, first + index)),
    )
    if (blocks.some((one) => one === undefined)) return undefined
    const at = start - first * blockBytes
    return Buffer.concat(blocks.filter((one) => one !== undefined)).subarray(at, at + end - start)
  }
}
