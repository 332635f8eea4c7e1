const longest = 60

/** What was found, in the words of an error message: `"abc"`, `the number 5`, `a list`, `nothing`. */
export const describeValue = (value: unknown): string => {
  if (value === undefined || value === null) return 'nothing'
  if (typeof value === 'string')
    return JSON.stringify(value.length > longest ? `${value.slice(0, longest)}…` : value)
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'boolean') return `${value} (without quotes)`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof Uint8Array) return 'binary data'
  return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping'
}
