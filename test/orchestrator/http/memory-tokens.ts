import type { Token, Tokens } from '../../../orchestrator/tokens/token.ts'
import { newTokenText } from '../../../orchestrator/tokens/token-text.ts'

/** Tokens as in Redis, in memory. */
export function memoryTokens(): Tokens {
  const kept = new Map<string, Token>()
  return {
    make: async ({ name, scopes, expires }) => {
      const text = newTokenText()
      const id = `token-${kept.size + 1}`
      const token = { id, name, scopes, created: '2026-01-01T00:00:00.000Z', expires, lastUsed: undefined }
      kept.set(text, token)
      return { token, text }
    },
    verify: async (text) => kept.get(text),
    list: async () => [...kept.values()],
    revoke: async (id) => {
      const found = [...kept].find(([, token]) => token.id === id)
      return found !== undefined && kept.delete(found[0])
    },
  }
}
