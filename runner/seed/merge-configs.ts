import type { CloudConfig } from './cloud-config.ts'
import { listKeys, listOf } from './list-keys.ts'

/** Merges cloud-configs, the weakest first: maps deep, the known lists appended, anything else replaced. */
export function mergeConfigs(configs: readonly CloudConfig[]): CloudConfig {
  const merged = configs.reduce(deepMerge, {})
  const lists = listKeys
    .map((key) => [key, configs.flatMap((config) => listOf(key, config[key]) ?? [])] as const)
    .filter(([, list]) => list.length > 0)
  // `user:` is the old way to say one more entry of `users:`.
  const { user: _, ...rest } = merged
  const olds = configs.flatMap(({ user }) => (user ? [typeof user === 'string' ? { name: user } : user] : []))
  const all = { ...rest, ...Object.fromEntries(lists) }
  return olds.length === 0 ? all : { ...all, users: [...(listOf('users', all.users) ?? []), ...olds] }
}

// Object.fromEntries defines its keys one by one, so that a key named __proto__ stays a key.
function deepMerge(below: CloudConfig, above: CloudConfig): CloudConfig {
  const keys = new Set([...Object.keys(below), ...Object.keys(above)])
  return Object.fromEntries([...keys].map((key) => [key, mergeValue(own(below, key), own(above, key))]))
}

function mergeValue(below: unknown, above: unknown): unknown {
  if (above === undefined) return below
  return isPlainMap(below) && isPlainMap(above) ? deepMerge(below, above) : above
}

function own(config: CloudConfig, key: string): unknown {
  return Object.hasOwn(config, key) ? config[key] : undefined
}

function isPlainMap(value: unknown): value is CloudConfig {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
