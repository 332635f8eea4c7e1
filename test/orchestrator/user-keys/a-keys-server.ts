import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a forge answers at `/USER.keys`, by that path; a text is all of it. */
export type Pages = Record<string, string | ((response: ServerResponse) => void)>

/** The pages of a forge on loopback; every other path is answered with 404. */
export async function aKeysServer(pages: Pages = {}) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path.endsWith('.keys')) asked.push(path)
    request.resume()
    const page = pages[path]
    if (page === undefined) return void response.writeHead(404).end('not found')
    if (typeof page === 'function') return page(response)
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${port}`, pages, asked }
}
