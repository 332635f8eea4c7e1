import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'

/** Contents by path; null removes a file, `{ link }` is a symbolic link, `{ executable }` a file of mode 0755. */
export type GitFiles = Readonly<
  Record<string, string | Buffer | null | { link: string } | { executable: string }>
>

export type GitServer = {
  /** `http://<address>:<port>`; a repository is at `<url>/<name>.git`. */
  readonly url: string
  /** Where the repositories are, each a bare `<name>.git`. */
  readonly root: string
  /** Every request that came, in order. */
  readonly requests: readonly {
    readonly method: string
    readonly path: string
    readonly headers: NodeJS.Dict<string | string[]>
  }[]
  /** How requests are answered; may be changed at any time. */
  readonly mode: GitServerMode
  /** Makes a bare repository `owner/name` with a first commit on `main`; gives its clone URL and that commit. */
  createRepository(name: string, files: GitFiles): Promise<{ cloneUrl: string; sha: string }>
  /** Adds a commit and gives its id. */
  commit(name: string, files: GitFiles, options?: CommitOptions): Promise<string>
  /** Runs git in a repository, for what has no helper here; gives its output. */
  git(name: string, args: readonly string[], input?: string | Buffer): Promise<string>
  close(): Promise<void>
}

export type GitServerMode = {
  /** Basic credentials that are asked for, `user:password`. */
  auth?: string | undefined
  /** Takes requests and never answers. */
  hang?: boolean
  /** Answers every request with this status. */
  status?: number | undefined
  /** Speaks only the first version of the protocol, in which commits are not given by their id. */
  oldProtocol?: boolean
  /** Sends every request elsewhere. */
  redirect?: string | undefined
}

export type CommitOptions = {
  /** @defaultValue main */
  branch?: string
  message?: string
  author?: string
  /** The commit to stand on; null for none. @defaultValue the branch's last */
  parent?: string | null
  /** A full name to write instead of the branch's, such as `refs/pull/7/head`. */
  ref?: string
}

/** Real git over real HTTP: `git http-backend` as a CGI program behind a server of Node's. */
export async function startGitServer(mode: GitServerMode = {}, address = '127.0.0.1'): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), 'mayfly-git-'))
  const requests: { method: string; path: string; headers: NodeJS.Dict<string | string[]> }[] = []
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers })
    answer({ root, mode, request, response })
  })
  server.listen(0, address)
  await once(server, 'listening')
  const url = `http://${address}:${(server.address() as AddressInfo).port}`
  const git = (name: string, args: readonly string[], input?: string | Buffer) =>
    runGit(['--git-dir', join(root, `${name}.git`), ...args], input)

  const commit: GitServer['commit'] = async (name, files, options = {}) => {
    const ref = options.ref ?? `refs/heads/${options.branch ?? 'main'}`
    const last = await git(name, ['rev-parse', '--verify', '--quiet', ref]).catch(() => '')
    const parent = options.parent === undefined ? last.trim() || null : options.parent
    await git(name, ['fast-import', '--quiet', '--force'], fastImport({ ref, parent, files, options }))
    return (await git(name, ['rev-parse', ref])).trim()
  }

  return {
    url,
    root,
    requests,
    mode,
    git,
    commit,
    async createRepository(name, files) {
      await runGit(['init', '--quiet', '--bare', '--initial-branch=main', join(root, `${name}.git`)])
      return { cloneUrl: `${url}/${name}.git`, sha: await commit(name, files) }
    },
    async close() {
      await closeServer(server)
      await rm(root, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

type Call = { root: string; mode: GitServerMode; request: IncomingMessage; response: ServerResponse }

function answer({ root, mode, request, response }: Call): void {
  if (mode.hang) return
  if (mode.status !== undefined) return void response.writeHead(mode.status).end()
  if (mode.redirect !== undefined) {
    return void response.writeHead(302, { location: `${mode.redirect}${request.url}` }).end()
  }
  if (mode.auth !== undefined) {
    const given = request.headers.authorization
    if (given !== `Basic ${Buffer.from(mode.auth).toString('base64')}`) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    }
  }
  runBackend({ root, mode, request, response })
}

/** RFC 3875 by hand: the request in variables and on stdin, the response on stdout with its own header. */
function runBackend({ root, mode, request, response }: Call): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
  const isZipped = request.headers['content-encoding'] === 'gzip'
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(mode.oldProtocol ? {} : { GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const body = isZipped ? request.pipe(createGunzip()) : request
  body.pipe(backend.stdin)
  backend.stdin.on('error', () => undefined)
  response.on('close', () => backend.kill())
  let head = Buffer.alloc(0)
  let isBody = false
  backend.stdout.on('data', (chunk: Buffer) => {
    if (isBody) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    isBody = true
    writeHead(response, head.subarray(0, end).toString())
    response.write(head.subarray(end + 4))
  })
  backend.stdout.on('end', () => {
    if (!isBody) response.writeHead(500)
    response.end()
  })
}

function writeHead(response: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/s)
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
}

type Import = { ref: string; parent: string | null; files: GitFiles; options: CommitOptions }

/** A commit as git-fast-import(1) reads it. */
function fastImport({ ref, parent, files, options }: Import): Buffer {
  const { message = 'a commit', author = 'A Hand' } = options
  const lines: (string | Buffer)[] = [`reset ${ref}\n`]
  lines.push(`commit ${ref}\n`, `committer ${author} <hand@example.org> 1782900000 +0000\n`, data(message))
  lines.push(parent === null ? '' : `from ${parent}\n`)
  for (const [path, content] of Object.entries(files)) {
    const quoted = `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
    if (content === null) lines.push(`D ${quoted}\n`)
    else if (typeof content === 'string' || Buffer.isBuffer(content)) {
      lines.push(`M 100644 inline ${quoted}\n`, data(content))
    } else if ('link' in content) lines.push(`M 120000 inline ${quoted}\n`, data(content.link))
    else lines.push(`M 100755 inline ${quoted}\n`, data(content.executable))
  }
  return Buffer.concat([...lines, 'done\n'].map((part) => Buffer.from(part as string)))
}

function data(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')])
}

function runGit(args: readonly string[], input?: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
    const child = spawn('git', args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`git ${args.join(' ')}: ${stderr}`)),
    )
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
