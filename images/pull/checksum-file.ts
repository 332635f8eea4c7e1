import type { ChecksumAlgorithm } from '../catalogue/entry.ts'

/** One line of a checksum file; `file` is undefined where the file holds nothing but a digest. */
export type ChecksumLine = {
  readonly file: string | undefined
  readonly algorithm: ChecksumAlgorithm
  /** lower case */
  readonly hex: string
}

/**
 * Reads what sha256sum(1) writes (`hex  file`, `hex *file`, with its backslash escapes), what BSD tools write
 * (`SHA256 (file) = hex`) and a bare digest. Comments, a clear-signing frame and other algorithms are passed over.
 */
export function parseChecksumFile(text: string): ChecksumLine[] {
  return text.split(/\r?\n/).flatMap((line) => parseLine(line) ?? [])
}

/**
 * The digest of one file. Undefined where it is not named, or named twice with different digests. A bare digest
 * counts where it is all there is.
 */
export function findChecksum(
  lines: readonly ChecksumLine[],
  file: string,
  algorithm: ChecksumAlgorithm,
): string | undefined {
  const candidates = lines.filter((line) => line.algorithm === algorithm)
  const named = candidates.filter((line) => line.file === file)
  const found =
    named.length > 0 ? named : candidates.length === 1 && candidates[0]?.file === undefined ? candidates : []
  const digests = new Set(found.map((line) => line.hex))
  return digests.size === 1 ? [...digests][0] : undefined
}

function parseLine(line: string): ChecksumLine | undefined {
  const bsd = /^(SHA256|SHA512) \((.+)\) = ([0-9a-fA-F]+)\s*$/.exec(line)
  if (bsd !== null) {
    return checked(bsd[2], bsd[3], bsd[1])
  }
  const gnu = /^(\\?)([0-9a-fA-F]{64,128}) [ *](.+)$/.exec(line)
  if (gnu !== null) {
    return checked(gnu[1] === '\\' ? unescapeName(gnu[3] ?? '') : gnu[3], gnu[2])
  }
  return checked(undefined, /^\s*([0-9a-fA-F]{64,128})\s*$/.exec(line)?.[1])
}

/** The length of the digest tells the algorithm, and must agree with the tag where there is one. */
function checked(file: string | undefined, hex: string | undefined, tag?: string): ChecksumLine | undefined {
  const algorithm = hex?.length === 64 ? 'sha256' : hex?.length === 128 ? 'sha512' : undefined
  if (
    hex === undefined ||
    algorithm === undefined ||
    (tag !== undefined && tag.toLowerCase() !== algorithm)
  ) {
    return undefined
  }
  return { file: file?.replace(/^(\.\/)+/, ''), algorithm, hex: hex.toLowerCase() }
}

/** sha256sum marks a line with a backslash when the name has a newline, a carriage return or a backslash. */
function unescapeName(name: string): string {
  return name.replace(/\\([nr\\])/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? '\\')
}
