import { maskNeedles } from '../logs/mask-needles.ts'

/** Shorter texts are parts of words, and the guest's own programs are full of them. bytes */
const shortest = 8

/** Where a secret is a key in PEM, these lines of it stand in every program that reads such keys. */
const armour = /^-----(?:BEGIN|END) /

/** The byte strings that give a secret away and that no guest holds by chance. */
export function scrubNeedles(secrets: readonly string[]): Buffer[] {
  return maskNeedles(secrets).filter(
    (needle) => needle.length >= shortest && !armour.test(needle.toString('latin1')),
  )
}

/** The names of the secrets that are too short to be told from anything else in a guest. */
export function unscrubbable(secrets: Readonly<Record<string, string>>): string[] {
  return Object.keys(secrets).filter((name) => {
    const value = (secrets[name] ?? '').trim()
    return value !== '' && Buffer.byteLength(value) < shortest
  })
}
