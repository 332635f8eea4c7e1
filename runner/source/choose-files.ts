import picomatch from 'picomatch'
import type { FileList } from './list-files.ts'

/** Files that a pattern matches, with the directories they are in; a directory's name means all below it. */
export function chooseFiles({ paths, notes }: FileList, patterns: readonly string[]): FileList {
  const chosen = new Set<string>()
  const more: string[] = []
  for (const written of patterns) {
    const pattern = written.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '')
    const matches = picomatch(pattern, { dot: true, noextglob: true, nonegate: true })
    const found = paths.filter((path) => matches(path) || path.startsWith(`${pattern}/`))
    if (found.length === 0) more.push(`nothing matches ${JSON.stringify(written)}`)
    for (const path of found) chosen.add(path)
  }
  for (const path of [...chosen]) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1))
      chosen.add(path.slice(0, end))
  }
  return { paths: [...chosen].sort(), notes: [...notes, ...more] }
}
