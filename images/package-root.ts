import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The folder that holds Mayfly's own package.json, from which scripts and examples are found. Found by name, not
 * by counting `..`, because the compiled files lie one level deeper than the source.
 *
 * @param from URL of a module of this package, `import.meta.url`
 */
export function packageRoot(from: string = import.meta.url): string {
  let folder = dirname(fileURLToPath(from))
  while (!isMayfly(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) {
      throw new Error(`expected a package.json named "mayfly" above ${fileURLToPath(from)}, got none`)
    }
    folder = parent
  }
  return folder
}

function isMayfly(path: string): boolean {
  if (!existsSync(path)) {
    return false
  }
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
  return typeof content === 'object' && content !== null && 'name' in content && content.name === 'mayfly'
}
