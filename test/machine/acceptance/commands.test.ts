import { once } from 'node:events'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { findProgram } from '../../../runner/host/find-program.ts'
import { digestOf, qcow2Disk, qemuImg, rawDisk } from '../../images/make-disk.ts'
import { type Bench, createBench, expectNothingLeft } from '../mayfly.ts'

const catalogue = ['ubuntu-22.04', 'ubuntu-24.04', 'debian-12', 'debian-13', 'rocky-9', 'almalinux-9']

describe('mayfly run', () => {
  it('AC10: refuses a network mode that does not exist with the ones that do', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const { code, output } = await bench.run('network: bridge\nsteps: [{ run: "true" }]\n')
    expect(code).toBe(2)
    expect(output).toMatch(/\.mayfly\.yml:1:10: .*none.*web.*internet.*bridge/s)
    await expectNothingLeft(bench)
  })

  it('AC11: ends before QEMU starts when the disk of an image cannot boot, with image and path', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const path = join(bench.work, 'empty.qcow2')
    qemuImg('create', '-q', '-f', 'qcow2', path, '64M')
    await writeFile(join(bench.work, 'host.yml'), 'images: { mine: { path: empty.qcow2 } }')
    const run = await bench.run('image: mine\nsteps: [{ run: "true" }]\n', ['--config', 'host.yml'])
    expect(run.code).toBe(3)
    expect(run.output).toContain(`image "mine": expected a disk that can boot from ${path}`)
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'image' })
    expect(run.record?.phases.map(({ phase }) => phase)).not.toContain('boot')
    await expectNothingLeft(bench)
  })

  it('AC11: ends before anything starts when the file of an image is not there, with image and path', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    await writeFile(join(bench.work, 'host.yml'), 'images: { mine: { path: absent.qcow2 } }')
    const run = await bench.run('image: mine\nsteps: [{ run: "true" }]\n', ['--config', 'host.yml'])
    expect(run.code).toBe(2)
    expect(run.output).toContain(join(bench.work, 'absent.qcow2'))
    expect(run.output).toContain('mine')
    await expectNothingLeft(bench)
  })

  it('AC30: refuses an image that nobody knows with those that are known', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const { code, output } = await bench.run('image: illumos-latest\nsteps: [{ run: "true" }]\n')
    expect(code).toBe(2)
    for (const name of ['illumos-latest', ...catalogue]) expect(output).toContain(name)
    await expectNothingLeft(bench)
  })
})

describe('mayfly images', () => {
  it('AC18: lists the images of the catalogue and those of the host file, present or absent', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    await writeFile(join(bench.work, 'disk.qcow2'), qcow2Disk())
    await writeFile(join(bench.work, 'host.yml'), 'images: { mine: { path: disk.qcow2 } }')
    await bench.mayfly(['images', 'pull', 'mine', '--config', 'host.yml'])
    const { stdout } = await bench.mayfly(['images', 'ls', '--json', '--config', 'host.yml'])
    const listed = JSON.parse(stdout) as { name: string; present: boolean }[]
    const expected = [...catalogue, 'debian-12-local', 'mine'].map((name) => [name, name === 'mine'])
    expect(listed.map(({ name, present }) => [name, present]).sort()).toEqual(expected.sort())
  })

  it('AC19: leaves nothing that could be used when a pull is killed, and verifies what the next one brings', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const disk = qcow2Disk(rawDisk(8 * 2 ** 20))
    let stalls = true
    // The first time the publisher stops in the middle.
    const server = createServer((_request, response) => {
      response.setHeader('Content-Length', disk.length)
      if (stalls) response.write(disk.subarray(0, disk.length / 2))
      else response.end(disk)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk`
    await writeFile(
      join(bench.work, 'host.yml'),
      `images: { mine: { url: "${url}", digest: "${digestOf(disk)}" } }`,
    )
    const pull = () => bench.mayfly(['images', 'pull', 'mine', '--config', 'host.yml'])

    const killed = pull()
    const [, response] = await once(server, 'request')
    await vi.waitFor(() => expect(response.socket?.bytesWritten).toBeGreaterThan(2 ** 20), {
      timeout: 10_000,
    })
    killed.kill('SIGKILL')
    await killed
    expect(await disksOf(bench)).toEqual([])

    stalls = false
    expect((await pull()).exitCode).toBe(0)
    expect(await disksOf(bench)).toHaveLength(2)
    expect((await bench.mayfly(['images', 'verify', 'mine', '--config', 'host.yml'])).exitCode).toBe(0)
  })
})

describe('mayfly doctor', () => {
  it('AC28: names each program that is missing with the command that installs it, and does not end with 0', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const whole = await bench.mayfly(['doctor', '--json'])
    for (const name of ['Node', 'qemu-system-x86_64', 'qemu-img', 'socket folder', 'data folder']) {
      expect(stateOf(whole.stdout, name)).toBe('good')
    }
    expect(['good', 'weak']).toContain(stateOf(whole.stdout, 'acceleration'))
    expect(whole.exitCode).toBe(0)

    const missing = {
      'qemu-system-x86_64': 'qemu-system-x86',
      'qemu-img': 'qemu-utils',
      prlimit: 'util-linux',
    }
    for (const [name, debian] of Object.entries(missing)) {
      const env = { PATH: await pathWithout(name, join(bench.work, `without-${name}`)) }
      const { stdout, exitCode } = await bench.mayfly(['doctor', '--json'], { env })
      expect(stateOf(stdout, name)).toBe('missing')
      expect(exitCode).not.toBe(0)
      const human = await bench.mayfly(['doctor'], { env })
      expect(human.stdout).toMatch(new RegExp(`✘ ${name} .*\n.*apt-get install ${debian}\n`))
      expect(human.exitCode).not.toBe(0)
    }
  })

  it('AC28: says that a data folder cannot be written, and why KVM is or is not used', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const file = join(bench.work, 'a-file')
    await writeFile(file, '')
    const { exitCode, all } = await bench.mayfly(['doctor', '--data', join(file, 'below')])
    expect(String(all)).toContain(join(file, 'below'))
    expect(exitCode).not.toBe(0)
    const { stdout } = await bench.mayfly(['doctor'])
    expect(stdout).toMatch(/\/dev\/kvm|KVM/)
  })
})

function stateOf(json: string, wanted: string): string | undefined {
  const findings = JSON.parse(json) as { readonly name: string; readonly state: string }[]
  return findings.find(({ name }) => name === wanted)?.state
}

/** A PATH with what mayfly calls, all but one. */
async function pathWithout(missing: string, folder: string): Promise<string> {
  await mkdir(folder)
  const programs = ['qemu-system-x86_64', 'qemu-img', 'prlimit', 'setpriv', 'git', 'mmdebstrap', 'mke2fs']
  for (const name of programs.filter((each) => each !== missing)) {
    await symlink((await findProgram(name)) ?? '', join(folder, name))
  }
  return folder
}

/** Whatever of the shelf a machine could start from. */
async function disksOf({ data }: Bench): Promise<string[]> {
  const names = await readdir(join(data, 'images'), { recursive: true })
  return names.filter((name) => /^mine\/[0-9a-f]{12}\/disk\.qcow2$|^mine\/current$/.test(name))
}
