import { type Document, isAlias, isMap, isScalar, isSeq, type Pair } from 'yaml'
import type { ValuePath } from './yaml-file.ts'

/** Offset in the text of the value at `path`, of its key, or of the nearest part around it that is there. */
export const positionAt = ({
  document,
  path,
  part,
}: {
  document: Document.Parsed
  path: ValuePath
  part: 'key' | 'value'
}): number => {
  let node: unknown = document.contents
  let offset = startOf(node) ?? document.range[0]
  for (const [index, segment] of path.entries()) {
    const step = descend(follow(node, document), segment)
    if (step === undefined) return offset
    const isKey = part === 'key' && index === path.length - 1
    offset = (isKey ? undefined : startOf(step.value)) ?? startOf(step.key) ?? offset
    node = step.value
  }
  return offset
}

/** Keys of the mapping at `path`, in the order of the file; none where there is no mapping. */
export const keysAt = ({ document, path }: { document: Document.Parsed; path: ValuePath }): string[] => {
  let node: unknown = document.contents
  for (const segment of path) node = descend(follow(node, document), segment)?.value
  const map = follow(node, document)
  return isMap(map) ? map.items.map(keyOf) : []
}

const follow = (node: unknown, document: Document.Parsed): unknown =>
  isAlias(node) ? node.resolve(document) : node

const descend = (node: unknown, segment: PropertyKey): { key?: unknown; value: unknown } | undefined => {
  if (isSeq(node)) {
    const value = node.items[Number(segment)]
    return value === undefined ? undefined : { value }
  }
  if (!isMap(node)) return undefined
  return node.items.find((pair) => keyOf(pair) === String(segment))
}

const keyOf = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key)

// An empty value (`steps:`) has a place of its own, behind the colon; its key is what a reader looks for.
const startOf = (node: unknown): number | undefined => {
  if (isScalar(node) && node.value === null) return undefined
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined
  return Array.isArray(node.range) && typeof node.range[0] === 'number' ? node.range[0] : undefined
}
