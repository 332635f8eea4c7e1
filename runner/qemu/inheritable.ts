import { createReadStream, type ReadStream } from 'node:fs'

/** An open file as a child's next descriptor: execa hands a stream that has one on as it is, and reads nothing of it. */
export function inheritable(fd: number | undefined): ReadStream[] {
  return fd === undefined ? [] : [createReadStream('', { fd, autoClose: false })]
}
