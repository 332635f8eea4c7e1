import { isAbsolute } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import { isImageName } from '../filenames.ts'
import type { CatalogueEntry } from './entry.ts'

/** Throws a ConfigError for an entry that could never come to the shelf, or not safely. */
export function checkEntry(entry: CatalogueEntry): void {
  const refuse = (expected: string, got: string, hint?: string): never => {
    throw new ConfigError(`image ${JSON.stringify(entry.name)}: expected ${expected}, got ${got}`, { hint })
  }
  if (!isImageName(entry.name)) {
    refuse('a name of at most 64 letters, digits, dots, dashes and underscores', JSON.stringify(entry.name))
  }
  const sources = (['url', 'path', 'build'] as const).filter((key) => entry[key] !== undefined)
  if (sources.length !== 1) {
    refuse('one of `url`, `path` and `build`', sources.length === 0 ? 'none' : sources.join(' and '))
  }
  if (entry.url !== undefined && !/^https?:$/.test(protocolOf(entry.url))) {
    refuse('an http or https `url`', entry.url)
  }
  if (entry.url !== undefined && entry.checksum === undefined && entry.digest === undefined) {
    refuse('`checksum` or `digest` beside `url`', 'neither', 'Pin the file with `digest: sha256:<hex>`.')
  }
  if (entry.checksum !== undefined && !isTrustworthy(entry.checksum.url)) {
    const hint = 'Use the https address, or pin the file with `digest: sha256:<hex>`.'
    refuse('a checksum file over https', entry.checksum.url, hint)
  }
  if (entry.digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(entry.digest)) {
    refuse('`digest` as sha256: and 64 lower-case hex digits', JSON.stringify(entry.digest))
  }
  for (const key of ['path', 'kernel', 'initrd'] as const) {
    const path = entry[key]
    if (path !== undefined && !isAbsolute(path)) {
      refuse(`\`${key}\` as an absolute path`, JSON.stringify(path))
    }
  }
  if ((entry.kernel === undefined) !== (entry.initrd === undefined)) {
    refuse('`kernel` and `initrd` together', 'one of them')
  }
}

/** A checksum that anyone on the way could rewrite proves nothing; loopback has no way. */
function isTrustworthy(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  return (
    protocolOf(url) === 'https:' || (protocolOf(url) === 'http:' && /^(127\.|localhost$|\[::1\]$)/.test(host))
  )
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : ''
}
