import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callback, isSftpAnswer, openSftp, putBytes, putStream } from '../../../runner/ssh/sftp.ts'
import { sftpOf } from '../../../runner/ssh/sftp-of.ts'
import { openClient } from './open-client.ts'
import type { SftpOptions } from './sftp-server.ts'
import { startSshServer } from './ssh-server.ts'

const signal = new AbortController().signal
const MiB = 2 ** 20
const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-sftp-'))
  path = join(folder, 'file')
})
afterEach(() => rm(folder, { recursive: true }))

const clientOf = async (sftp: SftpOptions = {}) => await openClient(await startSshServer({ sftp }))
const sessionOf = async (sftp: SftpOptions = {}) => await openSftp(await clientOf(sftp))

/** Chunks of odd sizes, so that no border falls on one of the protocol's. */
function* pieces(bytes: Buffer) {
  let size = 1
  for (let at = 0; at < bytes.length; at += size) {
    size = (size * 7 + 13) % 199_999
    yield bytes.subarray(at, at + size)
  }
}

describe('putStream', () => {
  it('writes 5 MiB byte for byte and sets the mode, whatever the server’s umask', async () => {
    const bytes = randomBytes(5 * MiB)
    const source = Readable.from(pieces(bytes))
    const sent = await putStream({ sftp: await sessionOf(), path, source, mode: 0o755, signal })
    expect(sent).toBe(bytes.length)
    expect(sha(await readFile(path))).toBe(sha(bytes))
    expect((await stat(path)).mode & 0o7777).toBe(0o755)
  })

  it('writes an empty file', async () => {
    const source = Readable.from([])
    expect(await putStream({ sftp: await sessionOf(), path, source, mode: 0o600, signal })).toBe(0)
    expect(await readFile(path)).toHaveLength(0)
  })

  it('rejects when the mode cannot be set (AC3)', async () => {
    const sftp = await sessionOf({ refuse: ['FSETSTAT'] })
    const put = putStream({ sftp, path, source: Readable.from([Buffer.from('x')]), mode: 0o755, signal })
    const error = await put.catch((fault: unknown) => fault)
    expect(isSftpAnswer(error)).toBe(true)
  })

  it('rejects when the server’s disk is full, and lets go of the source', async () => {
    const sftp = await sessionOf({ refuse: ['WRITE'] })
    const source = Readable.from(pieces(randomBytes(MiB)))
    const error = await putStream({ sftp, path, source, mode: 0o600, signal }).catch(
      (fault: unknown) => fault,
    )
    expect(isSftpAnswer(error)).toBe(true)
    expect(source.destroyed).toBe(true)
  })

  it('rejects with what the source throws', async () => {
    const source = Readable.from(
      (async function* () {
        yield Buffer.from('beginning')
        await Promise.reject(new Error('EIO'))
      })(),
    )
    await expect(putStream({ sftp: await sessionOf(), path, source, mode: 0o600, signal })).rejects.toThrow(
      'EIO',
    )
  })

  it('rejects, and does not wait for ever, when the session ends in the middle', async () => {
    const sftp = await sessionOf({ endAtWrite: true })
    const source = Readable.from(pieces(randomBytes(MiB)))
    await expect(putStream({ sftp, path, source, mode: 0o600, signal })).rejects.toThrow()
  })

  it('stops with the reason of the abort', async () => {
    const stop = new AbortController()
    const source = Readable.from(
      (async function* () {
        for (;;) {
          yield Buffer.alloc(1000)
          await new Promise((resolve) => setImmediate(resolve))
        }
      })(),
    )
    const put = putStream({ sftp: await sessionOf(), path, source, mode: 0o600, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('cancelled')), 20)
    await expect(put).rejects.toThrow('cancelled')
  })
})

describe('putBytes', () => {
  it('writes a file of few bytes or many and sets the mode, and closes it only then', async () => {
    const sftp = await sessionOf()
    for (const size of [0, 1, 32 * 1024, 100_001]) {
      const bytes = randomBytes(size)
      await putBytes({ sftp, path, bytes, mode: 0o640 })
      expect(sha(await readFile(path))).toBe(sha(bytes))
      expect((await stat(path)).mode & 0o7777).toBe(0o640)
    }
  })
})

describe('a call of a session that is over', () => {
  it('rejects, where ssh2 itself would never answer', async () => {
    const client = await clientOf()
    const sftp = await openSftp(client)
    const over = new Promise((resolve) => sftp.once('end', resolve))
    client.destroy()
    await over
    const call = callback(sftp, (done) => sftp.lstat('/', done))
    await expect(call).rejects.toThrow('the SFTP session is over')
  })

  it('that was under way when it ended rejects, too', async () => {
    const client = await clientOf()
    const sftp = await openSftp(client)
    const call = callback(sftp, (done) => sftp.lstat('/', done))
    client.destroy()
    await expect(call).rejects.toThrow()
  })
})

describe('sftpOf', () => {
  it('opens one session for a connection', async () => {
    const client = await clientOf()
    const [one, two] = await Promise.all([sftpOf(client), sftpOf(client)])
    expect(one).toBe(two)
    expect(await sftpOf(client)).toBe(one)
  })

  it('opens another when that one has ended, as after a step killed the server’s process', async () => {
    const client = await clientOf({ endAtWrite: true })
    const one = await sftpOf(client)
    const source = Readable.from([Buffer.from('x')])
    await putStream({ sftp: one, path, source, mode: 0o600, signal }).catch(() => undefined)
    const two = await sftpOf(client)
    expect(two).not.toBe(one)
    await callback(two, (done) => two.lstat(folder, done))
  })

  it('tries again after one that could not be opened', async () => {
    const client = await clientOf()
    client.destroy()
    await expect(sftpOf(client)).rejects.toThrow()
    await expect(sftpOf(client)).rejects.toThrow()
  })
})

describe('isSftpAnswer', () => {
  it('tells the server’s own answer from a connection that failed', async () => {
    const sftp = await sessionOf()
    const missing = await callback(sftp, (done) => sftp.lstat(join(folder, 'no'), done)).catch(
      (e: unknown) => e,
    )
    expect(isSftpAnswer(missing)).toBe(true)
    expect(isSftpAnswer(new Error('No response from server'))).toBe(false)
    expect(isSftpAnswer(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))).toBe(false)
    expect(isSftpAnswer(Object.assign(new Error('Connection lost'), { code: 7 }))).toBe(false)
  })
})
