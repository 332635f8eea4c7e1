import { open } from 'node:fs/promises'
import { ConfigError } from '../../config/errors.ts'
import { checkRef, checkSha } from '../git/check-names.ts'

/** Room for one name of a branch and to spare. bytes */
const longestHead = 4096

/**
 * The commit that a bundle holds and the name it has there, from the bundle's head (gitformat-bundle(5), version 2).
 * @throws ConfigError for another format, for none or several names, and for one that builds on commits elsewhere
 */
export async function readBundleHead(file: string): Promise<{ ref: string; sha: string }> {
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(longestHead), 0, longestHead, 0)
  const head = buffer.subarray(0, bytesRead)
  const [signature = '', ...lines] = head.toString('utf8').split('\n')
  if (signature !== '# v2 git bundle') throw refused('something else')
  const end = lines.indexOf('')
  if (end === -1) throw refused(`a head of more than ${longestHead} bytes, or no end of it`)
  const names = lines.slice(0, end)
  if (names.some((line) => line.startsWith('-')))
    throw refused('one that lacks the commits that it builds on')
  const [line = '', ...more] = names
  if (names.length !== 1) throw refused(`one of ${more.length === 0 ? 'none' : `${names.length} names`}`)
  const space = line.indexOf(' ')
  const found = { sha: line.slice(0, space), ref: line.slice(space + 1) }
  checkSha(found.sha)
  checkRef(found.ref)
  return found
}

function refused(found: string): ConfigError {
  return new ConfigError(`expected a git bundle of one branch with all of its commits, got ${found}`, {
    hint: 'mayfly submit makes one; so does: git bundle create FILE BRANCH',
  })
}
