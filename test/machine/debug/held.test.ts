import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { startServed } from '../end-to-end/served.ts'
import { createBench, expectNothingLeft, mainFile, qemuProcesses } from '../mayfly.ts'
import { browseMachine } from './browse-machine.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
secrets: [ TOKEN ]
debug: { on: failure, hold: 10m }
steps:
  - name: breaks
    run: |
      setsid sh -c 'mine=$TOKEN; echo $$ >~/pid; exec sleep 3600' </dev/null >/dev/null 2>&1 &
      echo "it has come so far" >evidence
      sleep 1; exit 7
`

describe('the machine of a failed job whose repository is opted in', () => {
  it('is kept after the verdict, without its secrets, for its maintainers alone, across a restart of the server, until somebody ends it', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const name = 'octo/breaks'
    const { cloneUrl } = await git.createRepository(name, { '.mayfly.yml': pipeline })
    const bench = await createBench({ templates: 'shared' })
    const served = await startServed(bench, { host: 'debug: { listen: "127.0.0.1:0" }\n' })
    const key = join(bench.data, '..', 'maintainer')
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'alice', '-f', key])
    expect((await served.api('POST', '/repositories', { forge: 'gitea', name, cloneUrl })).status).toBe(201)
    const secret = 's3cret-of-the-repository'
    const scope = encodeURIComponent(`gitea:${name}`)
    expect((await served.api('PUT', `/secrets/${scope}/TOKEN`, { value: secret })).status).toBe(200)
    const mayfly = (args: readonly string[]) =>
      execa(process.execPath, [mainFile, ...args, '--server', served.url], { reject: false, all: true })
    const opted = await mayfly(['repos', 'debug', `gitea:${name}`, '--key', `${key}.pub`])
    expect(opted.exitCode, opted.all).toBe(0)

    const { body: build } = await served.api('POST', '/builds', { forge: 'gitea', repository: name })
    const [job] = build.jobs as { id: string }[]
    const id = job?.id ?? ''
    const inside = await mayfly([
      ...['debug', id, '--identity', key],
      'cat work/evidence; tr "\\\\0" "\\\\n" <"/proc/$(cat pid)/environ" | grep TOKEN; ls /run/mayfly/job/secrets',
    ])
    expect(inside.all).toContain('it has come so far')
    expect(inside.all).toContain(`TOKEN=${'*'.repeat(secret.length)}`)
    expect(inside.all).toMatch(/secrets'?: No such file/)
    const { body: ended } = await served.api('GET', `/jobs/${id}`)
    expect(ended).toMatchObject({ state: 'failed', hold: { state: 'held' } })
    expect(await served.text(`/jobs/${id}`)).toContain('The machine is kept')

    await browseMachine({ url: served.url, job: id, secret })
    const audit = await readFile(join(bench.data, 'gateway', 'audit.jsonl'), 'utf8')
    expect(audit).toContain('"who":"alice"')
    for (const kind of ['shell', 'console'])
      expect(audit).toMatch(new RegExp(`"who":"local in a browser from 127.0.0.1".*"kind":"${kind}"`))
    const other = join(bench.data, '..', 'stranger')
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other])
    expect((await mayfly(['debug', id, '--identity', other, 'true'])).exitCode).not.toBe(0)

    const args = ['repro', id, '--json', '--through', '--data', bench.data, '--server', served.url]
    const repro = execa(process.execPath, [mainFile, ...args], { cwd: bench.work, reject: false, all: true })
    onTestFinished(() => void repro.kill())
    for await (const line of repro) {
      if (!line.includes('"type":"kept"')) continue
      const kept = JSON.parse(line)
      expect(kept.greeting).toContain('failed: step "breaks" ended with exit code 7')
      const come = await execa('sh', ['-c', `${kept.ssh} 'cat work/evidence; git -C work log --format=%H'`])
      expect(come.stdout).toBe(`it has come so far\n${build.sha}`)
      expect(
        (
          await execa('sh', [
            '-c',
            `${kept.debug} --end`.replace('mayfly', `${process.execPath} ${mainFile}`),
          ])
        ).exitCode,
      ).toBe(0)
    }
    expect([(await repro).exitCode, (await repro).all]).toEqual([
      1,
      expect.stringContaining(`fetching ${String(build.sha).slice(0, 12)}`),
    ])

    // What is kept when the server stops is parked, and goes on where it was under the next.
    expect(await qemuProcesses(bench.data)).toHaveLength(1)
    expect(await served.stop()).toBe(0)
    expect(await qemuProcesses(bench.data)).toEqual([])
    const frozen = join(bench.data, 'jobs', `${id}-1`, 'parked')
    for (const name of ['state.zst', 'disk.zst', 'base.zst']) {
      const { stdout } = await execa('zstd', ['-dc', join(frozen, name)], {
        encoding: 'buffer',
        maxBuffer: 2 ** 31,
      })
      expect(stdout.byteLength, name).toBeGreaterThan(2 ** 16)
      expect(Buffer.from(stdout).includes(secret), name).toBe(false)
    }
    const next = await startServed(bench, { host: 'debug: { listen: "127.0.0.1:0" }\n' })
    const holdOf = async () => (await next.api('GET', `/jobs/${id}`)).body.hold as { state: string }
    expect(await holdOf()).toMatchObject({ state: 'parked' })
    expect(await next.text(`/jobs/${id}`)).toContain('The machine is parked')
    const resumed = await execa(
      process.execPath,
      [
        mainFile,
        'debug',
        id,
        '--identity',
        key,
        '--server',
        next.url,
        'cat work/evidence; ps -o comm= -p $(cat pid)',
      ],
      { reject: false, all: true },
    )
    expect(resumed.all).toContain('it has come so far\nsleep')

    expect((await next.api('POST', `/jobs/${id}/release`)).status).toBe(202)
    await eventually('QEMU to be gone', async () =>
      (await qemuProcesses(bench.data)).length === 0 ? true : undefined,
    )
    const over = await eventually('the end of the hold to be written', async () =>
      (await holdOf()).state === 'held' ? undefined : await holdOf(),
    )
    expect(over).toMatchObject({ state: 'ended', why: 'ended by local' })
    expect(existsSync(frozen)).toBe(false)
    expect(await next.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})
