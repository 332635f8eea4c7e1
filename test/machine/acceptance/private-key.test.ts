import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import type { KeyPair } from '../../../runner/keys/key-pair.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'
import { qemuProcesses } from '../mayfly.ts'
import { localImage, makeDataFolder, plainHost, removeDataFolder } from './boot.ts'

// Keys are made and kept in memory; this is how a test gets to know them.
const made = vi.hoisted(() => new Map<string, KeyPair>())
vi.mock('../../../runner/keys/key-pair.ts', async (original) => {
  const { makeKeyPair } = await original<typeof import('../../../runner/keys/key-pair.ts')>()
  return {
    makeKeyPair(comment: string) {
      const pair = makeKeyPair(comment)
      made.set(comment, pair)
      return pair
    },
  }
})

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - run: |
      echo the key is not in here
      sync
`

type Place = { readonly name: string; readonly content: Buffer }

const jobId = 'private-key-0001'
let data: string
let record: JobRecord
let duringJob: Place[]
let afterJob: Place[]

beforeAll(async () => {
  data = await makeDataFolder()
  await mkdir(join(data, 'work'))
  const host = await plainHost()
  const [job] = parsePipeline({ file: '.mayfly.yml', text: pipeline }).jobs
  if (job === undefined) throw new Error('expected a job')
  record = await runJob({
    job,
    context: { jobId, buildId: 'build', repo: 'repo', ref: '', sha: '', event: 'manual' },
    secrets: {},
    host,
    dataFolder: data,
    source: directorySource({ directory: join(data, 'work'), limits: { bytes: 2 ** 20 } }),
    ensureImage: () => localImage(),
    startMachine: startOnHost({ host, dataFolder: data }),
    signal: new AbortController().signal,
    onEvent: () => undefined,
    onImageProgress: () => undefined,
    // The steps are over and the machine is still there.
    report: async () => {
      duringJob = await everyPlace()
    },
  })
  afterJob = await everyPlace()
})

afterAll(() => removeDataFolder(data))

describe('the private key of a job', () => {
  it('AC49: is in no file of its machine or its job and in no process, neither while it runs nor after', () => {
    expect(record.verdict).toBe('passed')
    expect(duringJob.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...['overlay.qcow2', 'seed.iso', 'machine.json', 'console.raw'].map(
          (name) => `machines/${jobId}/${name}`,
        ),
        ...['log', 'console', 'timeline.jsonl'].map((name) => `jobs/${jobId}/${name}`),
        ...['QEMU cmdline', 'QEMU environ', 'Mayfly cmdline', 'Mayfly environ'],
      ]),
    )
    expect(afterJob.map(({ name }) => name)).toContain(`jobs/${jobId}/record.json`)
    const key = made.get(jobId)
    expect(key?.fingerprint).toBe(record.machine?.keyFingerprint)
    for (const { name, content } of [...duringJob, ...afterJob]) {
      expect({ name, found: tracesOf(key, content) }).toEqual({ name, found: [] })
    }
  })

  it("AC49: is not among the private keys that do lie there, which are the machine's own host key alone", () => {
    const hostKey = made.get(`${jobId}-host`)
    const found = duringJob.flatMap(({ name, content }) =>
      privateKeysIn(content).map((fingerprint) => ({ name, fingerprint })),
    )
    expect(found.map(({ name }) => name).sort()).toEqual(
      expect.arrayContaining([`machines/${jobId}/overlay.qcow2`, `machines/${jobId}/seed.iso`]),
    )
    for (const { fingerprint } of found) expect(fingerprint).toBe(hostKey?.fingerprint)
    const seed = duringJob.find(({ name }) => name.endsWith('seed.iso'))
    expect(tracesOf(hostKey, seed?.content ?? Buffer.of())).toEqual(['pem'])
    expect(afterJob.flatMap(({ content }) => privateKeysIn(content))).toEqual([])
  })
})

/** Every file of the data folder but the images, and what /proc shows of QEMU and of Mayfly itself. */
async function everyPlace(): Promise<Place[]> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const files = names.map(async (path) => ({
    name: path.slice(data.length + 1),
    content: await readFile(path),
  }))
  const [qemu] = await qemuProcesses(data)
  const processes = [
    ...placesOf('Mayfly', process.pid),
    ...(qemu === undefined ? [] : placesOf('QEMU', qemu.pid)),
  ]
  return await Promise.all([...files, ...processes])
}

function placesOf(who: string, pid: number): Promise<Place>[] {
  return ['cmdline', 'environ'].map(async (what) => ({
    name: `${who} ${what}`,
    content: await readFile(`/proc/${pid}/${what}`),
  }))
}

/** What of a private key is in some bytes: its seed as it is, in hexadecimal, or as a part of its PEM. */
function tracesOf(key: KeyPair | undefined, content: Buffer): string[] {
  if (key === undefined) throw new Error('expected a key')
  const body = key.privateKey.split('\n').slice(1, -2)
  const seed = seedOf(body.join(''))
  // The first lines of the body are the public half, the last ones hold the private one.
  const needles = { seed, hex: seed.toString('hex'), base64: seed.toString('base64'), pem: body.at(-2) ?? '' }
  return Object.entries(needles).flatMap(([name, needle]) => (content.includes(needle) ? [name] : []))
}

/** PROTOCOL.key of OpenSSH: the seed and the public half make up one string of 64 bytes. */
function seedOf(base64: string): Buffer {
  const container = Buffer.from(base64, 'base64')
  const start = container.lastIndexOf(Buffer.from([0, 0, 0, 64])) + 4
  return container.subarray(start, start + 32)
}

/** Fingerprints of the private keys in some bytes. */
function privateKeysIn(content: Buffer): string[] {
  const pem = /-----BEGIN OPENSSH PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END OPENSSH PRIVATE KEY-----/g
  return (content.toString('latin1').match(pem) ?? []).map((text) => {
    const key = ssh2.utils.parseKey(text)
    if (key instanceof Error) throw key
    return `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '')}`
  })
}
