import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ignore } from 'ignore'
import ignore from 'ignore'

/** The rules of one `.gitignore`, and the folder that they are relative to. */
type Rules = { readonly folder: string; readonly rules: Ignore }

/** Every file, link and directory below a directory that no `.gitignore` on its way excludes, `.git` left out. */
export function listIgnoring(directory: string): Promise<string[]> {
  return walk(directory, '', [])
}

async function walk(directory: string, folder: string, above: readonly Rules[]): Promise<string[]> {
  const entries = await readdir(join(directory, folder), { withFileTypes: true })
  const own = entries.some((entry) => entry.name === '.gitignore' && entry.isFile())
  const rules = own ? [{ folder, rules: await readRules(join(directory, folder)) }, ...above] : above
  const found: string[] = []
  for (const entry of entries) {
    const path = `${folder}${entry.name}`
    if (entry.name === '.git' || isIgnored(entry.isDirectory() ? `${path}/` : path, rules)) continue
    found.push(path)
    if (entry.isDirectory()) found.push(...(await walk(directory, `${path}/`, rules)))
  }
  return found
}

async function readRules(folder: string): Promise<Ignore> {
  return ignore().add(await readFile(join(folder, '.gitignore'), 'utf8'))
}

/** The nearest file that has anything to say decides (gitignore(5)). */
function isIgnored(path: string, nearestFirst: readonly Rules[]): boolean {
  for (const { folder, rules } of nearestFirst) {
    const verdict = rules.test(path.slice(folder.length))
    if (verdict.ignored || verdict.unignored) return verdict.ignored
  }
  return false
}
