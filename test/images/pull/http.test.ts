import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { withHttp } from '../../../images/pull/http.ts'
import { temporaryFolder } from '../make-disk.ts'

const signal = new AbortController().signal
const servers: Server[] = []
const environment = { ...process.env }

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
  }
  process.env = { ...environment }
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const get = (url: string, mayDowngrade: boolean) =>
  withHttp(async (request) => {
    const response = await request(url, { mayDowngrade, signal })
    return { status: response.statusCode, text: await response.body.text() }
  })

describe('withHttp', () => {
  it('goes through the proxy that the environment names, but not to loopback', async () => {
    const port = await listen(createServer((_, response) => response.end('from the origin')))
    const asked: string[] = []
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('from the origin')
    }).on('connect', (request, socket) => {
      asked.push(request.url ?? '')
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      const origin = connect(port, '127.0.0.1')
      socket.pipe(origin).pipe(socket)
    })
    process.env.http_proxy = `http://127.0.0.1:${await listen(proxy)}`
    expect(await get('http://mirror.invalid/disk', true)).toEqual({ status: 200, text: 'from the origin' })
    expect(asked.join()).toContain('mirror.invalid')
    asked.length = 0
    expect((await get(`http://127.0.0.1:${port}/disk`, true)).status).toBe(200)
    expect(asked).toEqual([])
  })

  it('follows a redirect from https to http only for what a checksum checks afterwards', async () => {
    const plain = await listen(createServer((_, response) => response.end('anybody could have said this')))
    const folder = temporaryFolder()
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    execFileSync('openssl', [...request, '-subj', '/CN=127.0.0.1', '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    })
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${plain}/` }).end()
    })
    rmSync(folder, { recursive: true })
    const secure = await listen(server)
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    expect((await get(`https://127.0.0.1:${secure}/`, true)).text).toBe('anybody could have said this')
    await expect(get(`https://127.0.0.1:${secure}/`, false)).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining('stay on https'),
    })
  })
})
