import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How one path behaves. */
export type ServedFile = {
  body: Buffer
  etag?: string | undefined
  lastModified?: string
  /** Ignore Range, as plain servers do. */
  noRanges?: boolean
  /** Break each connection after so many bytes of the body. */
  breakAfter?: number | undefined
  /** Stop sending after so many bytes and keep the connection open. */
  stallAfter?: number | undefined
  /** Statuses for the first requests, before the file is served. */
  statuses?: number[]
  /** Leave Content-Length out. */
  chunked?: boolean
  /** Announce so many bytes, whatever the body has. */
  claim?: number
}

export type DiskServer = {
  readonly url: string
  readonly files: Map<string, ServedFile>
  readonly requests: { path: string; range: string | undefined }[]
  close(): Promise<void>
}

/** A web server on loopback that misbehaves as it is told. */
export async function startDiskServer(): Promise<DiskServer> {
  const files = new Map<string, ServedFile>()
  const requests: DiskServer['requests'] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push({ path, range: request.headers.range })
    const file = files.get(path)
    if (file === undefined) {
      response.writeHead(404).end('not here')
    } else {
      answer(file, request, response)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(file: ServedFile, request: IncomingMessage, response: ServerResponse): void {
  const status = file.statuses?.shift()
  if (status !== undefined) {
    response.writeHead(status).end()
    return
  }
  const { body } = file
  const fits = request.headers['if-range'] === (file.etag ?? file.lastModified)
  const wanted = file.noRanges ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
  const start = wanted !== undefined && fits ? Number(wanted) : 0
  if (start > 0 && start >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end()
    return
  }
  response.writeHead(start > 0 ? 206 : 200, {
    ...(file.chunked ? {} : { 'content-length': file.claim ?? body.length - start }),
    ...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    ...(file.etag === undefined ? {} : { etag: file.etag }),
    ...(file.lastModified === undefined ? {} : { 'last-modified': file.lastModified }),
  })
  const cut = file.breakAfter ?? file.stallAfter
  const part = body.subarray(start, cut === undefined ? undefined : start + cut)
  response.write(part, () => {
    if (start + part.length >= body.length) {
      response.end()
    } else if (file.breakAfter !== undefined) {
      // A client loses what it has not taken by then, and on a busy host it takes its time.
      setTimeout(() => response.destroy(), 250)
    }
  })
}
