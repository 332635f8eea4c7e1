import type { CST } from 'yaml'

const maxDepth = 30

type Token = CST.Token | null | undefined

/** The offset at which collections nest deeper than any real file does, or undefined. Never recurses itself. */
export const nestsTooDeep = (tokens: readonly CST.Token[]): number | undefined => {
  const open: { token: Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }))
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.token === null || next.token === undefined) continue
    if (next.depth > maxDepth) return next.token.offset
    for (const token of childrenOf(next.token)) open.push({ token, depth: next.depth + 1 })
  }
  return undefined
}

const childrenOf = (token: CST.Token): Token[] => {
  if (token.type === 'document') return [token.value]
  if (!('items' in token)) return []
  return token.items.flatMap((item) => [item.key, item.value])
}
