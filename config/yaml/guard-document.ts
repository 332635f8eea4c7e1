import { type Document, isScalar, visit, type YAMLMap } from 'yaml'

const maxAliases = 100

type Guarded = { fatal: boolean; problems: { offset: number; message: string }[] }

/**
 * What YAML allows and a configuration must not have: a key given twice, merge keys, keys that are no text, and more
 * aliases than anybody writes. Linear in the text, which the library's own check for equal keys is not.
 */
export const guardDocument = (document: Document.Parsed): Guarded => {
  const problems: Guarded['problems'] = []
  let aliases = 0
  visit(document, {
    Map: (_key, map) => {
      problems.push(...keyProblems(map))
    },
    Alias: (_key, alias) => {
      aliases += 1
      if (aliases <= maxAliases) return undefined
      problems.push({
        offset: alias.range?.[0] ?? 0,
        message: `expected at most ${maxAliases} aliases, found more`,
      })
      return visit.BREAK
    },
  })
  return { fatal: aliases > maxAliases, problems }
}

const keyProblems = (map: YAMLMap): Guarded['problems'] => {
  const seen = new Set<string>()
  return map.items.flatMap(({ key }) => {
    const offset = offsetOf(key)
    if (!isScalar(key)) return [{ offset, message: 'expected text as a key, found something else' }]
    const name = String(key.value)
    if (name === '__proto__') return [{ offset, message: 'the key "__proto__" is not allowed' }]
    if (name === '<<') return [{ offset, message: mergeKey }]
    if (seen.has(name))
      return [{ offset, message: `the key ${JSON.stringify(name)} is given twice: keep one` }]
    seen.add(name)
    return []
  })
}

const mergeKey =
  'YAML merge keys ("<<") are not supported: write the keys out, or what jobs share beside "jobs"'

const offsetOf = (node: unknown): number => {
  if (typeof node !== 'object' || node === null || !('range' in node)) return 0
  return Array.isArray(node.range) && typeof node.range[0] === 'number' ? node.range[0] : 0
}
