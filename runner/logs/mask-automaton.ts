/**
 * Aho-Corasick over bytes (Communications of the ACM 18(6), 1975), nodes numbered breadth first: time does not
 * depend on the number of needles. The nodes near the root, where a stream spends nearly all its time, have a full
 * row of 256 in `dense`; the deep ones only a list of children, so that long keys cost little memory.
 */
export type Automaton = {
  readonly dense: Int32Array
  readonly denseCount: number
  /** Length of the longest needle that ends in a node, 0 for none. */
  readonly matchLength: Int32Array
  /** Length of the longest needle prefix that the bytes so far end with. */
  readonly depth: Int32Array
  readonly fail: Int32Array
  /** The children of node n are the nodes from `firstChild[n]` to before `firstChild[n + 1]`. */
  readonly firstChild: Int32Array
  readonly byteOf: Uint8Array
}

type TrieNode = { readonly children: Map<number, TrieNode>; length: number }

const denseLimit = 1024

export function buildAutomaton(needles: readonly Buffer[]): Automaton {
  const nodes = breadthFirst(buildTrie(needles))
  const count = nodes.length
  const automaton: Automaton = {
    denseCount: Math.min(count, denseLimit),
    dense: new Int32Array(Math.min(count, denseLimit) * 256),
    matchLength: new Int32Array(count),
    depth: new Int32Array(count),
    fail: new Int32Array(count),
    firstChild: new Int32Array(count + 1).fill(1),
    byteOf: new Uint8Array(count),
  }
  for (const [index, entry] of nodes.entries()) link(automaton, index, entry)
  return automaton
}

/** The node after one more byte. */
export function step(automaton: Automaton, from: number, byte: number): number {
  let at = from
  while (at >= automaton.denseCount) {
    const child = childOf(automaton, at, byte)
    if (child !== -1) return child
    at = automaton.fail[at] as number
  }
  return automaton.dense[(at << 8) | byte] as number
}

function buildTrie(needles: readonly Buffer[]): TrieNode {
  const root: TrieNode = { children: new Map(), length: 0 }
  for (const needle of needles) {
    let node = root
    for (const byte of needle) {
      let next = node.children.get(byte)
      if (next === undefined) {
        next = { children: new Map(), length: 0 }
        node.children.set(byte, next)
      }
      node = next
    }
    node.length = needle.length
  }
  return root
}

type Ordered = { readonly node: TrieNode; readonly parent: number; readonly byte: number }

function breadthFirst(root: TrieNode): Ordered[] {
  const order: Ordered[] = [{ node: root, parent: 0, byte: 0 }]
  for (let index = 0; index < order.length; index++) {
    const { node } = order[index] as Ordered
    for (const [byte, child] of node.children) order.push({ node: child, parent: index, byte })
  }
  return order
}

/** Breadth first means that whatever a node falls back to is complete before it. */
function link(automaton: Automaton, index: number, { node, parent, byte }: Ordered): void {
  const { dense, denseCount, matchLength, depth, fail, firstChild, byteOf } = automaton
  byteOf[index] = byte
  depth[index] = index === 0 ? 0 : (depth[parent] as number) + 1
  fail[index] = parent === 0 ? 0 : step(automaton, fail[parent] as number, byte)
  const fallback = fail[index] as number
  matchLength[index] = node.length || (matchLength[fallback] as number)
  const first = firstChild[index] as number
  firstChild[index + 1] = first + node.children.size
  if (index >= denseCount) return
  if (index !== 0) dense.copyWithin(index << 8, fallback << 8, (fallback + 1) << 8)
  let child = first
  for (const childByte of node.children.keys()) dense[(index << 8) | childByte] = child++
}

function childOf({ firstChild, byteOf }: Automaton, node: number, byte: number): number {
  const end = firstChild[node + 1] as number
  for (let child = firstChild[node] as number; child < end; child++) if (byteOf[child] === byte) return child
  return -1
}
