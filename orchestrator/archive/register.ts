import type { Redis } from 'ioredis'
import { optInsKey } from '../holds/opt-ins.ts'
import { cordonsKey } from '../hosts/cordons.ts'
import { knownHostsKey } from '../hosts/known-hosts.ts'
import { vaultKeys } from '../secrets/vault-keys.ts'
import { storeKeys } from '../store/store-keys.ts'
import { tokensKey } from '../tokens/create-tokens.ts'
import { indexKeyOf } from './index-mark.ts'

/**
 * What people have set up, as Redis holds it: repositories, sealed secrets, hashes of tokens, opt-ins, cordons; and which
 * labels hosts have. No secret can
 * be read from it without the key file, and no token at all.
 */
type Register = {
  readonly format: 1
  /** Fields by their hashes' names without the prefix. */
  readonly hashes: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Scopes that have secrets. */
  readonly scopes: readonly string[]
  /** Tells whether a key file fits. */
  readonly check: string | null
}

type Place = { readonly redis: Redis; readonly prefix: string }

/** As a text for the archive; undefined where the index was emptied, for then nothing in it is what people want. */
export async function readRegister({ redis, prefix }: Place): Promise<string | undefined> {
  const vault = vaultKeys(prefix)
  const scopes = (await redis.smembers(vault.scopes)).sort()
  const names = hashNames(prefix, scopes)
  const reading = redis.multi().get(indexKeyOf(prefix)).get(vault.check)
  for (const name of names) reading.hgetall(name)
  const [mark, check, ...found] = ((await reading.exec()) ?? []).map(([error, answer]) => {
    if (error !== null) throw error
    return answer
  })
  if (typeof mark !== 'string') return undefined
  const hashes = names.map((name, index) => [name.slice(prefix.length + 1), sorted(found[index])])
  const register: Register = {
    format: 1,
    hashes: Object.fromEntries(hashes),
    scopes,
    check: (check ?? null) as string | null,
  }
  return `${JSON.stringify(register, null, 2)}\n`
}

/** Puts back what is not there; what is there was set since. Gives how many entries that were. */
export async function restoreRegister({ redis, prefix }: Place, text: string): Promise<number> {
  const { hashes, scopes, check } = JSON.parse(text) as Register
  const vault = vaultKeys(prefix)
  if (check !== null) await redis.set(vault.check, check, 'NX')
  if (scopes.length > 0) await redis.sadd(vault.scopes, ...scopes)
  let restored = 0
  for (const [name, fields] of Object.entries(hashes))
    for (const [field, value] of Object.entries(fields))
      restored += await redis.hsetnx(`${prefix}:${name}`, field, value)
  return restored
}

function hashNames(prefix: string, scopes: readonly string[]): string[] {
  const vault = vaultKeys(prefix)
  const fixed = [storeKeys(prefix).repositories, tokensKey(prefix), optInsKey(prefix), ...hostKeys(prefix)]
  return [...fixed, ...scopes.map((scope) => vault.values(scope))]
}

function hostKeys(prefix: string): string[] {
  return [cordonsKey(prefix), knownHostsKey(prefix)]
}

function sorted(fields: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
