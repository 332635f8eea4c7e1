import { lstatSync, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, realpath, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2, { type FileEntry, type SFTPWrapper } from 'ssh2'

export type SftpOptions = {
  /** Where a path of the guest's lies on this computer. @defaultValue where it says */
  readonly map?: (path: string) => string
  /** Answers "Failure" to these calls, as a server does whose disk is full. */
  readonly refuse?: readonly ('OPEN' | 'WRITE' | 'FSETSTAT' | 'MKDIR')[]
  /** Ends the session at the first write. */
  readonly endAtWrite?: boolean
}

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp
type Opened = { file: FileHandle } | { folder: string; told: boolean }

/** A small SFTP server over the files of this computer: what runner/ asks of one, and nothing more. */
export function serveSftp(
  sftp: SFTPWrapper,
  { map = (path) => path, refuse = [], endAtWrite }: SftpOptions = {},
): void {
  const opened = new Map<number, Opened>()
  let next = 0

  const handleOf = (entry: Opened): Buffer => {
    opened.set(next, entry)
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(next++)
    return handle
  }
  const fileAt = (handle: Buffer): FileHandle => {
    const entry = opened.get(handle.readUInt32BE())
    if (entry === undefined || !('file' in entry)) throw new Error('no such handle')
    return entry.file
  }

  /** Answers with what `run` does, or with the status that its error stands for. */
  const answer = (id: number, name: string, run: () => Promise<unknown>) => {
    const refused = (refuse as readonly string[]).includes(name)
    const running = refused ? Promise.reject(new Error('refused')) : run()
    running.then(
      (done) => done === undefined && sftp.status(id, STATUS_CODE.OK),
      (error: NodeJS.ErrnoException) => sftp.status(id, statusOf(error)),
    )
  }

  sftp.on('error', () => undefined)
  sftp.once('end', () => {
    for (const entry of opened.values()) if ('file' in entry) entry.file.close().catch(() => undefined)
  })
  sftp.on('OPEN', (id, path, flags) =>
    answer(id, 'OPEN', async () => {
      const mode = (flags & OPEN_MODE.WRITE) === 0 ? 'r' : 'w'
      sftp.handle(id, handleOf({ file: await open(map(path), mode) }))
      return true
    }),
  )
  sftp.on('WRITE', (id, handle, offset, data) => {
    if (endAtWrite) return void sftp.destroy()
    answer(id, 'WRITE', async () => {
      await fileAt(handle).write(data, 0, data.length, offset)
    })
  })
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, 'READ', async () => {
      const { bytesRead, buffer } = await fileAt(handle).read(Buffer.alloc(length), 0, length, offset)
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, buffer.subarray(0, bytesRead))
      return true
    }),
  )
  sftp.on('FSETSTAT', (id, handle, { mode }) =>
    answer(id, 'FSETSTAT', async () => {
      await fileAt(handle).chmod(mode ?? 0)
    }),
  )
  sftp.on('FSTAT', (id, handle) =>
    answer(id, 'FSTAT', async () => {
      sftp.attrs(id, attributes(await fileAt(handle).stat()))
      return true
    }),
  )
  sftp.on('CLOSE', (id, handle) =>
    answer(id, 'CLOSE', async () => {
      const entry = opened.get(handle.readUInt32BE())
      opened.delete(handle.readUInt32BE())
      if (entry !== undefined && 'file' in entry) await entry.file.close()
    }),
  )
  sftp.on('MKDIR', (id, path) =>
    answer(id, 'MKDIR', async () => {
      await mkdir(map(path))
    }),
  )
  sftp.on('REMOVE', (id, path) =>
    answer(id, 'REMOVE', async () => {
      await unlink(map(path))
    }),
  )
  sftp.on('LSTAT', (id, path) =>
    answer(id, 'LSTAT', async () => {
      sftp.attrs(id, attributes(await lstat(map(path))))
      return true
    }),
  )
  sftp.on('REALPATH', (id, path) =>
    answer(id, 'REALPATH', async () => {
      const filename = await realpath(map(path))
      sftp.name(id, [{ filename, longname: filename, attrs: attributes(await lstat(filename)) }])
      return true
    }),
  )
  sftp.on('OPENDIR', (id, path) =>
    answer(id, 'OPENDIR', async () => {
      await readdir(map(path))
      sftp.handle(id, handleOf({ folder: map(path), told: false }))
      return true
    }),
  )
  sftp.on('READDIR', (id, handle) =>
    answer(id, 'READDIR', async () => {
      const entry = opened.get(handle.readUInt32BE())
      if (entry === undefined || 'file' in entry) throw new Error('no such handle')
      if (entry.told) sftp.status(id, STATUS_CODE.EOF)
      else
        sftp.name(id, (await readdir(entry.folder)).map((name) => entryOf(entry.folder, name)).concat(dots))
      entry.told = true
      return true
    }),
  )
}

const dots: FileEntry[] = ['.', '..'].map((filename) => ({
  filename,
  longname: filename,
  attrs: { mode: 0o040755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 },
}))

function entryOf(folder: string, filename: string): FileEntry {
  return { filename, longname: filename, attrs: attributes(lstatSync(join(folder, filename))) }
}

function attributes({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats) {
  return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) }
}

function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === 'ENOENT') return STATUS_CODE.NO_SUCH_FILE
  return code === 'EACCES' ? STATUS_CODE.PERMISSION_DENIED : STATUS_CODE.FAILURE
}
