import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-config-'))
  file = join(folder, 'mayfly.yml')
})

afterEach(() => rm(folder, { recursive: true }))

const load = async (text: string) => {
  await writeFile(file, text)
  return loadHostConfig({ file, env: {} })
}

const problemsOf = async (text: string): Promise<string[]> => {
  const error: unknown = await load(text).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ConfigError)) throw error ?? new Error('expected problems, found a fine file')
  return error.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)
}

const MiB = 1024 ** 2
const GiB = 1024 ** 3
const day = 86_400_000
const defaults = {
  data: undefined,
  runDir: undefined,
  name: undefined,
  labels: [],
  accel: 'auto',
  defaultImage: 'debian-12-local',
  pipelineFile: '.mayfly.yml',
  resources: { cpus: 2, memory: 2 * GiB, disk: 10 * GiB },
  images: {},
  network: { internet: 'isolate', allow: undefined, deny: [], audit: false },
  limits: {
    logBytes: 256 * MiB,
    consoleBytes: 16 * MiB,
    artifactBytes: GiB,
    artifactCount: 1000,
    uploadBytes: 4 * GiB,
    steps: 500,
    imageBytes: 64 * GiB,
    repositoryBytes: 4 * GiB,
    buildAge: 7 * 86_400_000,
    connections: 2000,
    followers: 1000,
    requests: 6000,
    archiveBytes: undefined,
    shelfBytes: undefined,
    mirrorsBytes: undefined,
  },
  pressure: { diskFree: 2 * GiB, memoryFree: 256 * MiB, memoryStall: 40 },
  stop: { powerdown: 10_000, term: 5_000, orphaned: 900_000, running: 'leave' },
  boot: { cpuTime: 600_000, quiet: 180_000 },
  templates: { use: true, quota: 20 * 2 ** 30, maxAge: 30 * day },
  checkpoints: { use: true, quota: 20 * 2 ** 30, maxAge: 30 * day },
  pool: [],
  archive: undefined,
  bucket: undefined,
  retention: { builds: { age: 365 * day }, logs: 90 * day, artifacts: 30 * day },
  redis: undefined,
  redisPasswordFile: undefined,
  listen: { host: '127.0.0.1', port: 8470 },
  publicUrl: undefined,
  trustedProxies: [],
  secretsKey: undefined,
  adminTokenFile: undefined,
  repositories: [],
}

describe('loadHostConfig', () => {
  it('gives the defaults where there is no host file', async () => {
    const host = await loadHostConfig({ env: {}, standardFile: join(folder, 'absent.yml') })
    expect(host).toEqual({ file: undefined, ...defaults })
  })

  it('gives the defaults for an empty file', async () => {
    expect(await load('# nothing yet\n')).toEqual({ file, ...defaults })
  })

  it('takes --config before MAYFLY_CONFIG before the standard file', async () => {
    const [flag, variable, standard] = ['flag', 'variable', 'standard'].map((name) => join(folder, name))
    for (const path of [flag, variable, standard]) await writeFile(path ?? '', '')
    const both = { env: { MAYFLY_CONFIG: variable }, standardFile: standard ?? '' }
    expect((await loadHostConfig({ ...both, file: flag })).file).toBe(flag)
    expect((await loadHostConfig(both)).file).toBe(variable)
    expect((await loadHostConfig({ ...both, env: { MAYFLY_CONFIG: '' } })).file).toBe(standard)
  })

  it('refuses a named file that is absent', async () => {
    const absent = join(folder, 'absent.yml')
    await expect(loadHostConfig({ file: absent, env: {} })).rejects.toThrow(ConfigError)
    await expect(loadHostConfig({ env: { MAYFLY_CONFIG: absent } })).rejects.toThrow(
      `expected the host file at ${absent}, found nothing`,
    )
  })

  it('reads every key, with paths counted from the folder of the file', async () => {
    for (const name of ['disk.qcow2', 'vmlinuz', 'initrd.img']) await writeFile(join(folder, name), '')
    const host = await load(`
data: data
run_dir: /run/mayfly
accel: tcg
default_image: own
pipeline_file: ci/mayfly.yml
resources: { memory: 4GiB }
images:
  own:
    path: disk.qcow2
    format: raw
    user: admin
    firmware: uefi
    disk_bus: scsi
    nic: e1000
    resources: { cpus: 3 }
    ready_pattern: "login:$"
    seed: mayfly
    user_data: "#!/bin/sh"
    kernel: vmlinuz
    initrd: initrd.img
    append: root=/dev/vda
  published:
    url: https://example.org/a.img.xz
    compression: xz
    checksum: { url: https://example.org/SHA512SUMS, algorithm: sha512 }
network: { internet: accept-risk, allow: ["*.example.org"], deny: [bad.example.org], audit: true }
limits: { steps: 3, log_bytes: 1MiB }
stop: { term: 1s }
boot: { quiet: 1m }
name: Rack-2
labels: [rack-2, gpu, gpu]
`)
    expect(host).toMatchObject({
      data: join(folder, 'data'),
      runDir: '/run/mayfly',
      accel: 'tcg',
      name: 'Rack-2',
      labels: ['gpu', 'rack-2'],
      defaultImage: 'own',
      pipelineFile: 'ci/mayfly.yml',
      resources: { cpus: 2, memory: 4 * GiB, disk: 10 * GiB },
      network: { internet: 'accept-risk', allow: ['*.example.org'], deny: ['bad.example.org'], audit: true },
      limits: { ...defaults.limits, steps: 3, logBytes: MiB },
      stop: { powerdown: 10_000, term: 1000 },
      boot: { cpuTime: 600_000, quiet: 60_000 },
    })
    expect(host.images.own).toEqual({
      url: undefined,
      path: join(folder, 'disk.qcow2'),
      checksum: undefined,
      digest: undefined,
      format: 'raw',
      compression: undefined,
      user: 'admin',
      firmware: 'uefi',
      diskBus: 'scsi',
      nic: 'e1000',
      resources: { cpus: 3 },
      readyPattern: 'login:$',
      seed: 'mayfly',
      userData: '#!/bin/sh',
      kernel: join(folder, 'vmlinuz'),
      initrd: join(folder, 'initrd.img'),
      append: 'root=/dev/vda',
    })
    expect(host.images.published).toMatchObject({
      url: 'https://example.org/a.img.xz',
      checksum: { url: 'https://example.org/SHA512SUMS', algorithm: 'sha512' },
    })
  })

  it('reads pools of machines, whose most is their least where it is not said', async () => {
    const { pool } = await load(`pool:
- { image: own, cpus: 4, memory: 1GiB, network: none, min: 1, max: 3 }
- { image: own, min: 2 }
`)
    expect(pool).toEqual([
      { image: 'own', resources: { cpus: 4, memory: GiB }, network: 'none', min: 1, max: 3 },
      { image: 'own', resources: {}, network: 'web', min: 2, max: 2 },
    ])
    expect(await problemsOf('pool: [{ image: own, min: 3, max: 2 }]')).toEqual([
      '1:35: pool[0].max: expected at least 3, which `min` says, found 2',
    ])
    expect(await problemsOf('pool: [{ image: own, min: 0 }]')).toEqual([
      '1:27: pool[0].min: expected a whole number of machines from 1 to 1000, found the number 0',
    ])
    expect((await problemsOf('pool: [{ image: own, min: 1, network: internet }]'))[0]).toContain(
      'expected one of none (no way out of the machine), web (',
    )
  })

  it('reads what is kept of setups, which templates have nothing to do with', async () => {
    const host = await load('checkpoints: { use: false, quota: 2GiB, max_age: 3d }\n')
    expect(host.checkpoints).toEqual({ use: false, quota: 2 * GiB, maxAge: 3 * day })
    expect(host.templates).toEqual(defaults.templates)
    const [some] = [await load('checkpoints: { max_age: 1h }\n')]
    expect(some.checkpoints).toEqual({ ...defaults.checkpoints, maxAge: 3_600_000 })
    expect(await problemsOf('checkpoints: { quota: 1MiB }')).toEqual([
      '1:23: checkpoints.quota: expected at least 1GiB, found 1 MiB',
    ])
    expect(await problemsOf('checkpoints: { age: 3d }')).toEqual([
      '1:16: checkpoints: unknown key "age": expected one of use, quota, max_age',
    ])
  })

  it('reads what a server needs', async () => {
    const host = await load(`
redis: rediss://ci:word@redis.example:6380/2
listen: "[::1]:0"
public_url: https://ci.example.org/mayfly/
trusted_proxies: [10.0.0.1, "fd00::/8"]
secrets_key: keys/secrets.key
`)
    expect(host).toMatchObject({
      redis: 'rediss://ci:word@redis.example:6380/2',
      listen: { host: '::1', port: 0 },
      publicUrl: 'https://ci.example.org/mayfly',
      trustedProxies: ['10.0.0.1', 'fd00::/8'],
      secretsKey: join(folder, 'keys/secrets.key'),
    })
  })

  it('reads how long what has ended is kept, by number or by age', async () => {
    const host = await load(`
archive: kept
retention: { builds: 500, logs: 12h }
`)
    expect(host.archive).toBe(join(folder, 'kept'))
    expect(host.retention).toEqual({ builds: { newest: 500 }, logs: day / 2, artifacts: 30 * day })
    expect((await load('retention: { builds: 2d }\n')).retention.builds).toEqual({ age: 2 * day })
    expect(await problemsOf('retention: { builds: 0 }\n')).toEqual([
      '1:22: retention.builds: expected a number of builds of at least 1, or an age such as 90d, found the number 0',
    ])
    expect(await problemsOf('retention: { logs: 3651d }\n')).toEqual([
      '1:20: retention.logs: expected an age of more than 0 and at most 3650d, found "3651d"',
    ])
  })

  it('reads repositories, with defaults and paths of secrets counted from the folder of the file', async () => {
    const host = await load(`
repositories:
  - { forge: gitea, name: owner/name, clone_url: "https://forge.example/owner/name.git" }
  - forge: gitlab
    name: group/sub/name
    clone_url: git@gitlab.example:group/sub/name.git
    api_url: https://gitlab.example/api/v4
    pipeline_file: ci/mayfly.yml
    images: [debian-12-local]
    network: { allow: [deb.example.org], audit: true }
    limits: { running: 2, queued: 10 }
    default_branch: trunk
    submodules: true
    lfs: true
    schedules: [{ cron: 30 4 * * 1-5 }, { cron: 0 0 1 * *, branch: release/1.x }]
    notify: [{ url: https://example.org/hook }, { url: "http://127.0.0.1:9/", on: [started, failed] }]
    secret_files: { webhook: name.webhook, clone: /run/clone, notification: signing }
`)
    const plain = {
      forge: 'gitea',
      name: 'owner/name',
      cloneUrl: 'https://forge.example/owner/name.git',
      apiUrl: undefined,
      pipelineFile: undefined,
      images: undefined,
      network: undefined,
      limits: { running: undefined, queued: 500, matrix: 100 },
      defaultBranch: 'main',
      submodules: false,
      lfs: false,
      schedules: [],
      notify: [],
      secretFiles: { webhook: undefined, token: undefined, clone: undefined, notification: undefined },
    }
    const full = {
      forge: 'gitlab',
      name: 'group/sub/name',
      cloneUrl: 'git@gitlab.example:group/sub/name.git',
      apiUrl: 'https://gitlab.example/api/v4',
      pipelineFile: 'ci/mayfly.yml',
      images: ['debian-12-local'],
      network: { allow: ['deb.example.org'], deny: [], audit: true },
      limits: { running: 2, queued: 10, matrix: 100 },
      defaultBranch: 'trunk',
      submodules: true,
      lfs: true,
      schedules: [
        { cron: '30 4 * * 1-5', branch: 'trunk' },
        { cron: '0 0 1 * *', branch: 'release/1.x' },
      ],
      notify: [
        { url: 'https://example.org/hook', on: ['ended'] },
        { url: 'http://127.0.0.1:9/', on: ['started', 'failed'] },
      ],
      secretFiles: {
        webhook: join(folder, 'name.webhook'),
        token: undefined,
        clone: '/run/clone',
        notification: join(folder, 'signing'),
      },
    }
    expect(host.repositories).toEqual([plain, full])
  })

  it('takes a bucket as the archive, with how it is reached', async () => {
    expect((await load('archive: s3://ci-archive\n')).bucket).toEqual({
      ...{ name: 'ci-archive', prefix: '', endpoint: undefined, region: 'us-east-1', pathStyle: false },
      ...{ encryption: undefined, kmsKey: undefined, credentials: undefined },
    })
    const host = await load(`
archive: s3://ci-archive/some/where/
s3:
  endpoint: https://s3.example
  region: garage
  encryption: aws:kms
  kms_key: alias/ci
  credentials: s3.key
`)
    expect(host.archive).toBeUndefined()
    expect(host.bucket).toEqual({
      ...{ name: 'ci-archive', prefix: 'some/where', endpoint: 'https://s3.example', region: 'garage' },
      ...{ pathStyle: true, encryption: 'aws:kms', kmsKey: 'alias/ci', credentials: join(folder, 's3.key') },
    })
    expect((await load('archive: s3\n')).archive).toBe(join(folder, 's3'))
  })

  it('wants no key of a bucket in the host file, and says where it goes', async () => {
    const problems = await problemsOf(`
archive: s3://Not A Bucket
s3:
  endpoint: https://me:s3cret@s3.example
  secret_key: s3cret
  encryption: rot13
`)
    expect(problems.join('\n')).not.toContain('s3cret')
    expect(problems).toEqual([
      expect.stringContaining('2:10: archive: expected s3://BUCKET or s3://BUCKET/PREFIX'),
      expect.stringContaining('4:13: s3.endpoint: expected a URL without user and password'),
      expect.stringContaining('a key is never in the host file: put it into a file'),
      expect.stringContaining('s3.encryption: expected'),
    ])
  })

  it('never repeats credentials that stand in a URL', async () => {
    const problems = await problemsOf(`
redis: redis://:s3cret@ host
repositories:
  - { forge: github, name: a/b, clone_url: "https://me:s3cret@github.com/a/b" }
  - { forge: github, name: a/c, clone_url: "s3cret" }
`)
    expect(problems).toHaveLength(3)
    expect(problems[1]).toBe(
      '4:44: repositories[0].clone_url: expected a clone URL without credentials, found some in it',
    )
    expect(problems.join('\n')).not.toContain('s3cret')
  })

  it('AC20: lists every disk, kernel and initrd that is not there, each with its place', async () => {
    const text =
      'images:\n  a:\n    path: /none/a.qcow2\n  b:\n    path: b.qcow2\n    kernel: k\n    initrd: i\n'
    expect(await problemsOf(text)).toEqual([
      '3:11: images.a.path: expected a readable file at /none/a.qcow2, found nothing',
      `5:11: images.b.path: expected a readable file at ${folder}/b.qcow2, found nothing`,
      `6:13: images.b.kernel: expected a readable file at ${folder}/k, found nothing`,
      `7:13: images.b.initrd: expected a readable file at ${folder}/i, found nothing`,
    ])
  })

  it.each([
    ['an unknown key', 'datta: /x', '1:1: unknown key "datta": did you mean "data"?'],
    ['a key given twice', 'accel: tcg\naccel: kvm', '2:1: the key "accel" is given twice: keep one'],
    ['a list', '- a', '1:1: expected a mapping, found a list'],
    ['bad YAML', 'a: b: c', '1:4: not valid YAML: Nested mappings are not allowed in compact mappings'],
    [
      'a bad size',
      'limits: { log_bytes: big }',
      '1:22: limits.log_bytes: expected a size such as 512MiB, 2GiB or a number of bytes, found "big"',
    ],
    [
      'a bad count',
      'limits: { steps: 0 }',
      '1:18: limits.steps: expected a whole number of at least 1, found the number 0',
    ],
    [
      'a host with a scheme',
      'network: { allow: ["https://x.org"] }',
      '1:20: network.allow[0]: expected the name of a host such as packages.example.org, *.example.org or example.org:8443, without scheme, found "https://x.org"',
    ],
    [
      'a download that nothing verifies',
      'images: { a: { url: https://x.org/a } }',
      '1:21: images.a.url: expected "checksum" or "digest" beside "url", found neither: a download has to be verified',
    ],
    [
      'a URL of another kind',
      `images: { a: { url: ftp://x.org/a, digest: sha256:${'0'.repeat(64)} } }`,
      '1:21: images.a.url: expected a URL that starts with https:// or http://, found "ftp://x.org/a"',
    ],
    [
      'a digest that is none',
      'images: { a: { digest: sha256:abc } }',
      '1:24: images.a.digest: expected a digest of "sha256:" and 64 lower-case hexadecimal digits, found "sha256:abc"',
    ],
    [
      'a pattern that is none',
      'images: { a: { ready_pattern: "(" } }',
      '1:31: images.a.ready_pattern: expected a regular expression, found "("',
    ],
    [
      'an initrd alone',
      'images: { a: { initrd: /x } }',
      '1:24: images.a.initrd: expected "kernel" beside "initrd", found none',
    ],
    [
      'a label that Mayfly finds out',
      'labels: [gpu, kvm]',
      '1:15: labels[1]: expected a label of your own: whether a host has kvm is found out, found "kvm"',
    ],
    [
      'a listen address without a port',
      'listen: localhost',
      '1:9: listen: expected an address and a port, such as 127.0.0.1:8470, found "localhost"',
    ],
    [
      'a port that is none',
      'listen: localhost:99999',
      '1:9: listen: expected a port up to 65535, found "localhost:99999"',
    ],
    [
      'a proxy that is no address',
      'trusted_proxies: [10.0.0.0/33]',
      '1:19: trusted_proxies[0]: expected an IP address or a network such as 10.0.0.0/8, found "10.0.0.0/33"',
    ],
    [
      'a repository given twice',
      'repositories:\n- { forge: github, name: a/b, clone_url: /srv/a }\n- { forge: github, name: a/b, clone_url: /srv/b }',
      '3:26: repositories[1].name: expected each repository once, found github:a/b again',
    ],
    [
      'a repository that leaves its place',
      'repositories: [{ forge: github, name: ../b, clone_url: /srv/a }]',
      '1:39: repositories[0].name: expected the name of a repository as its forge writes it, such as owner/name, found "../b"',
    ],
    [
      'a bad name of an image',
      'images: { "../a": {} }',
      '1:11: images: expected the name of an image, such as debian-12-local (lower-case letters, digits, dots and dashes), found "../a"',
    ],
  ])('tells %s by its place', async (_name, text, problem) => {
    expect(await problemsOf(text)).toEqual([problem])
  })
})
