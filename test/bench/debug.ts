import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { execa } from 'execa'
import { pino } from 'pino'
import { loadGatewayHostKey } from '../../orchestrator/gateway/load-host-key.ts'
import { startGateway } from '../../orchestrator/gateway/start-gateway.ts'
import { makeKeyPair } from '../../runner/keys/key-pair.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import { parkedFolder } from '../../runner/park/filenames.ts'
import { readParkedManifest } from '../../runner/park/parked-manifest.ts'
import { resumeOnHost } from '../../runner/resume-on-host.ts'
import { startOnHost } from '../../runner/start-on-host.ts'
import type { BenchHost } from './bench-host.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'

const signal = new AbortController().signal

/** What a job leaves in memory: 200 MiB of programs and files in the page cache, 50 MiB that cannot be compressed. */
const work = `cat /usr/lib/*/* /usr/bin/* 2>/dev/null | head -c 200M >/dev/null
head -c 50M /dev/urandom >random; cat random >/dev/null
setsid sleep 3600 </dev/null >/dev/null 2>&1 &`

/** Into a kept machine of 1 GiB by the gateway; that machine parked, and resumed until somebody has a prompt in it. */
export async function debug(place: BenchPlace, runs: number): Promise<Figure[]> {
  const host = await place.host()
  const dataFolder = join(host.folder, 'debug')
  await mkdir(dataFolder, { recursive: true })
  const door = await openDoor(dataFolder)
  const figures = {
    prompt: [] as number[],
    park: [] as number[],
    bytes: [] as number[],
    resume: [] as number[],
  }
  try {
    for (let run = 0; run < runs; run++) {
      const jobFolder = join(dataFolder, `job-${run}`)
      const machine = await start(host, dataFolder, `bench-debug-${process.pid}-${run}`)
      try {
        await machine.exec(work, signal)
        figures.prompt.push(await timed(() => door.prompt(machine)))
        const parking = performance.now()
        const { bytes } = await machine.park(jobFolder, signal)
        figures.park.push((performance.now() - parking) / 1000)
        figures.bytes.push(bytes / 1e6)
      } finally {
        await machine.destroy('now')
      }
      figures.resume.push(await timed(() => resume(host, dataFolder, jobFolder, door)))
    }
  } finally {
    await door.close()
  }
  return [
    figure({ what: 'gateway to a prompt', unit: 's', target: { atMost: 3 }, samples: figures.prompt }),
    figure({ what: 'park 1 GiB', unit: 's', target: { atMost: 10 }, samples: figures.park }),
    figure({ what: 'parked, on disk', unit: 'MB', target: { atMost: 400 }, samples: figures.bytes }),
    figure({ what: 'resume to a prompt', unit: 's', target: { atMost: 6 }, samples: figures.resume }),
  ]
}

async function start({ host, image }: BenchHost, dataFolder: string, id: string): Promise<Machine> {
  const machine = await startOnHost({ host, dataFolder })({
    ...{ id, image, network: 'none', userData: undefined, signal },
    resources: { cpus: 2, memory: 2 ** 30, disk: 10 * 2 ** 30 },
    ...{ onGate: ignore, onNote: ignore, onConsole: ignore },
  })
  await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
  return machine
}

async function resume({ host, image }: BenchHost, dataFolder: string, jobFolder: string, door: Door) {
  const folder = parkedFolder(jobFolder)
  const machine = await resumeOnHost({ host, dataFolder })({
    ...{ manifest: await readParkedManifest(folder), folder, image, signal },
    ...{ onNote: ignore, onConsole: ignore },
  })
  try {
    await door.prompt(machine)
  } finally {
    void machine.destroy('now')
  }
}

type Door = { prompt(machine: Machine): Promise<void>; close(): Promise<void> }

/** A gateway, and OpenSSH's client in front of it. */
async function openDoor(dataFolder: string): Promise<Door> {
  const { privateKey, publicKey } = await loadGatewayHostKey(dataFolder)
  const visitor = makeKeyPair('visitor')
  const [identity, known] = [join(dataFolder, 'visitor'), join(dataFolder, 'known')]
  await writeFile(identity, visitor.privateKey, { mode: 0o600 })
  let inside: Machine | undefined
  const gateway = await startGateway({
    ...{ hostKey: privateKey, listen: { host: '127.0.0.1', port: 0 }, audit: ignore, record: nowhere },
    authorize: async () => ({
      ...{ kind: 'open', keys: [{ who: 'visitor', publicKey: visitor.publicKey }] },
      until: new Date(Date.now() + 600_000),
    }),
    connect: async (_job, aborted) => {
      if (inside === undefined) throw new Error('expected a machine')
      return await inside.visit(aborted)
    },
    openConsole: () => Promise.reject(new Error('nobody types here')),
    log: pino({ level: 'silent' }),
  })
  await writeFile(known, `[127.0.0.1]:${gateway.port} ${publicKey}\n`)
  const flags = [`UserKnownHostsFile=${known}`, 'StrictHostKeyChecking=yes', 'IdentitiesOnly=yes']
  return {
    async prompt(machine) {
      inside = machine
      const options = flags.flatMap((flag) => ['-o', flag])
      const args = [
        '-F',
        '/dev/null',
        '-tt',
        '-i',
        identity,
        '-p',
        String(gateway.port),
        ...options,
        'job@127.0.0.1',
      ]
      const ssh = execa('ssh', args, { stdin: 'pipe', reject: false, buffer: false })
      let said = ''
      for await (const chunk of ssh.stdout) {
        said += String(chunk)
        if (/[$#] $/.test(said)) break
      }
      ssh.kill('SIGKILL')
      await ssh
      if (!/[$#] $/.test(said)) throw new Error(`expected a prompt, got ${JSON.stringify(said)}`)
    },
    close: () => gateway.close(),
  }
}

/** seconds */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return (performance.now() - began) / 1000
}

const ignore = () => undefined

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })
