import { type Document, isNode, isScalar, type Scalar, visit } from 'yaml'

/**
 * Below the named keys, plain numbers and booleans become the text that stands in the file, in place:
 * `GO_VERSION: 1.20` must not reach a job as `1.2`.
 */
export const keepAsWritten = (document: Document.Parsed, keys: readonly string[]): void => {
  visit(document, {
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) || !keys.includes(String(pair.key.value)) || !isNode(pair.value))
        return undefined
      visit(pair.value, { Scalar: (key, scalar) => (key === 'key' ? undefined : restore(scalar)) })
      return visit.SKIP
    },
  })
}

const restore = (scalar: Scalar): undefined => {
  const isPlain = typeof scalar.value === 'number' || typeof scalar.value === 'boolean'
  if (isPlain && scalar.source !== undefined) scalar.value = scalar.source
}
