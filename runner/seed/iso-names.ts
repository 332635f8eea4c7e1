/** UCS-2 big-endian, as Joliet has every name and text. */
export function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

/** The order of directory records. */
export function byBytes(a: Buffer, b: Buffer): number {
  return Buffer.compare(a, b)
}

/**
 * Legal and unique `NAME.EXT;1` identifiers for the primary tree, one for each name and in the same order.
 * Letters are raised, whatever is no d-character becomes `_`, and a number ends a stem that is taken.
 */
export function shortNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  const numbers = new Map<string, number>()
  return names.map((name) => {
    const [stem, extension] = eightAndThree(name)
    let candidate = stem
    while (taken.has(`${candidate}.${extension}`)) {
      // Counting goes on where the last clash of this stem ended, or thousands of like names would cost their square.
      const number = (numbers.get(`${stem}.${extension}`) ?? 0) + 1
      numbers.set(`${stem}.${extension}`, number)
      candidate = `${stem.slice(0, 8 - String(number).length)}${number}`
    }
    taken.add(`${candidate}.${extension}`)
    return `${candidate}.${extension};1`
  })
}

function eightAndThree(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.')
  const stem = dot > 0 ? name.slice(0, dot) : name
  const extension = dot > 0 ? name.slice(dot + 1) : ''
  return [dCharacters(stem).slice(0, 8), dCharacters(extension).slice(0, 3)]
}

function dCharacters(text: string): string {
  return text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase()).replaceAll(/[^A-Z0-9_]/g, '_')
}
