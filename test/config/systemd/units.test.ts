import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { packageRoot } from '../../../images/package-root.ts'
import { redisConfig } from '../../../orchestrator/redis/redis-config.ts'

const source = join(packageRoot(), 'config', 'systemd')
const programs = ['/usr/local/bin/mayfly', '/usr/bin/redis-server']

/** Of systemd 254; older ones say so and go on, as the unit's comment has it. */
const newer = /^\S+:\d+: Unknown key( name)? 'DelegateSubgroup' in section \S+, ignoring\.$/

let folder: string
let units: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-units-'))
  units = (await readdir(source)).filter((name) => name.endsWith('.service')).sort()
  for (const name of units) {
    // What is to be run need not be installed here.
    const runnable = programs.reduce((text, path) => text.replace(path, '/bin/true'), await unit(name))
    await writeFile(join(folder, name), runnable)
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const unit = (name: string) => readFile(join(source, name), 'utf8')

async function analyze(...args: readonly string[]) {
  return await execa('systemd-analyze', args, { cwd: folder, reject: false, env: { LC_ALL: 'C.UTF-8' } })
}

/** Values of a setting, in their order. */
async function setting(name: string, key: string): Promise<string[]> {
  const lines = (await unit(name)).replaceAll(/\\\n\s*/g, '').split('\n')
  return lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1))
}

describe('the units', () => {
  it('are three, and systemd finds no fault with any of them', async () => {
    expect(units).toEqual(['mayfly-redis.service', 'mayfly-web.service', 'mayfly-worker.service'])
    const { stderr, stdout } = await analyze('verify', '--man=no', ...units.map((name) => `./${name}`))
    const words = `${stdout}\n${stderr}`.split('\n').filter((line) => line.includes('mayfly'))
    expect(words.filter((line) => !newer.test(line))).toEqual([])
  })

  it.each([
    // Of 10. What is left to the worker is what machines need: devices, namespaces, mounts, control groups.
    { name: 'mayfly-redis.service', most: 0.8 },
    { name: 'mayfly-web.service', most: 1.6 },
    { name: 'mayfly-worker.service', most: 3 },
  ])('keep the exposure of $name, as systemd scores it, at $most of 10 or less', async ({ name, most }) => {
    const { stdout } = await analyze('security', '--offline=true', '--no-pager', `./${name}`)
    const score = Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1])
    expect(score).toBeLessThanOrEqual(most)
  })

  it('end no machine with its server, and take away nothing that it needs', async () => {
    const worker = (key: string) => setting('mayfly-worker.service', key)
    expect(await worker('KillMode')).toEqual(['process'])
    expect(await worker('OOMPolicy')).toEqual(['continue'])
    expect(await worker('RemoveIPC')).toEqual(['no'])
    expect(await worker('RuntimeDirectoryPreserve')).toEqual(['yes'])
    const [runtime] = await worker('RuntimeDirectory')
    expect((await worker('Environment')).join(' ')).toContain(`XDG_RUNTIME_DIR=/run/${runtime}`)
  })

  it('keep everything in folders that they may write to', async () => {
    const host = await loadHostConfig({ file: join(source, 'mayfly.yml'), env: {} })
    const [state = ''] = await setting('mayfly-web.service', 'StateDirectory')
    const folders = state.split(' ').map((name) => `/var/lib/${name}/`)
    for (const file of [host.secretsKey, host.adminTokenFile])
      expect(folders.filter((each) => file?.startsWith(each))).toHaveLength(1)
    for (const name of ['mayfly-web.service', 'mayfly-worker.service']) {
      expect(await setting(name, 'StateDirectory')).toEqual([state])
      expect((await setting(name, 'Environment')).join(' ')).toContain('MAYFLY_DATA=/var/lib/mayfly')
    }
    const [command] = await setting('mayfly-redis.service', 'ExecStart')
    expect(host.redis).toBe(`unix://${/--unixsocket (\S+)/.exec(command ?? '')?.[1]}`)
  })

  it('give Redis the settings of the one that the server would bring', async () => {
    const [command = ''] = await setting('mayfly-redis.service', 'ExecStart')
    const own = redisConfig({ folder: '/var/lib/mayfly-redis', socket: '/run/mayfly-redis/redis.sock' })
    const wanted = [...own.matchAll(/^(\S+) "(.*)"$/gm)].filter(([, name]) => name !== 'protected-mode')
    expect(wanted.length).toBeGreaterThan(10)
    for (const [, name, value] of wanted) expect(`${command} `).toContain(`--${name} ${value || '""'} `)
  })
})
