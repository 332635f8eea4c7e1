import { chown, copyFile, link, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { type Served, startServed } from '../end-to-end/served.ts'
import { type Bench, createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { listeningOn } from './process-sockets.ts'

/** A user whom nothing on a host belongs to: no group, no capability, and no way to any. */
const nobody = 65534
const confined = [
  ...['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'],
  ...['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--no-new-privs'],
]
// Who is not root has nothing to lay down but the way to get it back.
const isRoot = process.getuid?.() === 0
const prefix = isRoot ? confined : ['setpriv', '--no-new-privs']

const script = (port: string) => `
network: web
resources: { cpus: 2, memory: 512MiB }
steps:
  - name: hold
    run: sleep 5
  - name: look around
    run: |
      direct() { curl -s --noproxy '*' --max-time 5 -o /dev/null "$1" && echo "reached $1" || echo "no way to $1"; }
      direct http://10.0.2.2:${port}/healthz
      direct http://10.0.2.2:${port}/api/v1/builds
      direct http://10.0.2.2:6379/
      proxy() { echo "proxy says $(curl -s --noproxy '' -o /dev/null -w '%{http_code}' "$1") to $1"; }
      proxy http://10.0.2.2:${port}/healthz
      proxy http://127.0.0.1:${port}/healthz
`

describe('a server of a user without any privilege', () => {
  it('AC8, AC42: runs a whole job, whose guest reaches neither its API nor its Redis', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const bench = await benchOfNobody()
    const served = await startServed(bench, {
      prefix,
      env: { HOME: dirname(bench.data), XDG_RUNTIME_DIR: '' },
    })
    const { port } = new URL(served.url)
    const { cloneUrl } = await git.createRepository('octo/hello', { '.mayfly.yml': script(port) })
    const asked = { forge: 'github', name: 'octo/hello', cloneUrl, secrets: { webhook: 'w' } }
    expect((await served.api('POST', '/repositories', asked)).status).toBe(201)
    expect((await served.api('POST', '/builds', { forge: 'github', repository: 'octo/hello' })).status).toBe(
      201,
    )

    const qemu = await eventually('a machine', async () => {
      const build = await ended(served)
      // Whoever waits for a machine of a job that is over waits in vain.
      if (build !== undefined) throw new Error(`the job ended without a machine: ${build.log}`)
      return (await qemuProcesses(bench.data))[0]
    })
    const processes = [served.pid, qemu.pid, await redisPid(bench)]
    for (const pid of processes) {
      expect(await privilegesOf(pid)).toEqual({
        ...(isRoot ? unprivileged : {}),
        CapEff: none,
        NoNewPrivs: '1',
      })
      for (const address of await listeningOn(pid)) expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
    }
    expect(await listeningOn(processes[2] ?? 0)).toEqual([])
    expect(await devicesOf(qemu.pid)).toEqual([])

    const { state, log } = await eventually('the end of the build', () => ended(served))
    expect(state, log).toBe('passed')
    // The same address answers on this side of the wall.
    expect(await served.text('/healthz')).toBe('{"ok":true}')
    for (const path of [`${port}/healthz`, `${port}/api/v1/builds`, '6379/']) {
      expect(log).toContain(`no way to http://10.0.2.2:${path}\n`)
    }
    expect(log).not.toContain('reached')
    expect(log).toContain(`proxy says 403 to http://10.0.2.2:${port}/healthz\n`)
    expect(log).toContain(`proxy says 403 to http://127.0.0.1:${port}/healthz\n`)
    expect(await served.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})

/** The only build of a server with its job's log, once it has its verdict. */
async function ended(served: Served): Promise<{ state: string; log: string } | undefined> {
  const { body } = await served.api('GET', '/builds')
  const [build] = body.items as { id: string; state: string }[]
  if (build === undefined || ['queued', 'running'].includes(build.state)) return undefined
  const whole = await served.api('GET', `/builds/${build.id}`)
  const [job] = whole.body.jobs as { id: string; reason?: string }[]
  const log = await served.text(`/api/v1/jobs/${job?.id}/log`)
  return { state: build.state, log: `${log}${job?.reason ?? ''}` }
}

const none = '0'.repeat(16)
const ids = Array.from({ length: 4 }, () => nobody).join('\t')
const unprivileged = { Uid: ids, Gid: ids, Groups: '', CapPrm: none, CapBnd: none }

/** What proc_pid_status(5) says of a process's privileges; of one that is not root's child only what it could misuse. */
async function privilegesOf(pid: number): Promise<Record<string, string>> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const fields = status.split('\n').map((line) => line.split(/:\s*/))
  const looked = ['CapEff', 'NoNewPrivs', ...(isRoot ? Object.keys(unprivileged) : [])]
  return Object.fromEntries(
    looked.map((name) => [name, fields.find(([key]) => key === name)?.[1]?.trim() ?? '']),
  )
}

/** Devices that a process has open but those that anybody may have: `/dev/kvm` is the one that a job path may need. */
async function devicesOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')),
  )
  return links.filter(
    (path) => path.startsWith('/dev/') && !/^\/dev\/(null|zero|u?random|kvm|shm\/.*)$/.test(path),
  )
}

async function redisPid({ data }: Bench): Promise<number> {
  return (JSON.parse(await readFile(join(data, 'redis', 'redis.json'), 'utf8')) as { pid: number }).pid
}

/** A bench that belongs to nobody, with the shared image under a name of its own: its users are noted beside it. */
async function benchOfNobody(): Promise<Bench> {
  const bench = await createBench({ withImage: false, templates: 'own' })
  const name = 'debian-12-local'
  const from = join(inject('sharedData'), 'images', name)
  const digest = await readlink(join(from, 'current'))
  const to = join(bench.data, 'images', name, digest)
  await mkdir(join(to, 'users'), { recursive: true })
  for (const file of ['disk.qcow2', 'kernel', 'initrd', 'manifest.json']) {
    await link(join(from, digest, file), join(to, file)).catch(() =>
      copyFile(join(from, digest, file), join(to, file)),
    )
  }
  await symlink(digest, join(bench.data, 'images', name, 'current'))
  if (!isRoot) return bench
  const folder = dirname(bench.data)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const own of [folder, ...folders]) await chown(own, nobody, nobody)
  return bench
}
