import { createHash } from 'node:crypto'

/** Names become parts of folders, URLs and queue ids. */
const longest = 63

type VariantName = {
  job: string
  values: readonly string[]
  /** Names that are given away; the new one is added. */
  taken: Set<string>
}

/**
 * The name of one variant of a matrix: `test-1-20-debug` for job `test` with `1.20` and `Debug`. What is too long ends
 * in a hash of its values, what is there already in a number.
 */
export function variantName({ job, values, taken }: VariantName): string {
  const parts = values.map((value) => value.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '-'))
  const wanted = shorten(
    [job, ...parts.map((part) => part.replaceAll(/^-+|-+$/g, ''))].filter(Boolean).join('-'),
    values,
  )
  let name = wanted
  for (let count = 2; taken.has(name); count += 1) {
    const suffix = `-${count}`
    name = `${wanted.slice(0, longest - suffix.length)}${suffix}`
  }
  taken.add(name)
  return name
}

function shorten(name: string, values: readonly string[]): string {
  if (name.length <= longest) return name
  const hash = createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 8)
  return `${name.slice(0, longest - hash.length - 1)}-${hash}`
}
