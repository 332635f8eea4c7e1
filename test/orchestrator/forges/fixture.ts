import { readFileSync } from 'node:fs'

/** A payload written after the forge's documentation. */
export function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'))
}
