import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import { createPool } from '../../../runner/pool/create-pool.ts'
import { withPool } from '../../../runner/pool/with-pool.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'
import { eventually } from '../../eventually.ts'
import { fastHost, localImage } from '../acceptance/boot.ts'
import { qemuProcesses } from '../mayfly.ts'
import { dataOnSharedTemplates, small } from '../templates/clones.ts'

const asks = `env: { FROM_FILE: 'a value' }
steps:
  - name: ask
    run: |
      echo "env $FROM_FILE $MAYFLY_JOB_ID $https_proxy"
      echo "file $(cat README.md)"
      echo "key $(cat /etc/ssh/ssh_host_ed25519_key.pub)"
      echo "left $(ls -A /run/mayfly/job /var/lib/mayfly | tr '\\n' ' ')"
      exec 3<>/dev/tcp/127.0.0.1/\${https_proxy##*:}
      printf 'GET http://10.0.0.1/ HTTP/1.1\\r\\nHost: 10.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3
      cat <&3
      echo "said by $MAYFLY_JOB_ID" | sudo tee /dev/console >/dev/null; sleep 1
    shell: bash -e
`

describe('jobs with a pool of real machines', () => {
  it('each get one of their own, with their environment, files, notes and console, and nothing stays behind', async () => {
    const data = await dataOnSharedTemplates()
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-pool-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'README.md'), 'hello\n')
    const host = await fastHost()
    const image = await localImage()
    const start = startOnHost({ host, dataFolder: data })
    const want = { image: image.name, resources: small, network: 'web', min: 2, max: 2 } as const
    const capacity = { cpus: 4, memory: 2 ** 31 }
    const ignore = () => undefined
    const pool = createPool({
      ...{ wants: [want], start, capacity, spare: () => capacity, log: { info: ignore, warn: ignore } },
      ensureImage: async () => image,
    })
    onTestFinished(() => pool.drain())
    pool.look()
    const isReady = (count: number) => async () => (pool.counts()[0]?.ready === count ? true : undefined)
    await eventually('two machines that wait', isReady(2))

    const run = async (jobId: string) => {
      const [job] = parsePipeline({ file: '.mayfly.yml', text: asks }).jobs
      if (job === undefined) throw new Error('expected a job')
      const events: JobEvent[] = []
      const record = await runJob({
        ...{ host, dataFolder: data, secrets: {}, signal: new AbortController().signal },
        job: { ...job, resources: small },
        context: { jobId, buildId: 'b', repo: 'r', ref: 'main', sha: '0', event: 'push' },
        source: directorySource({ directory: folder, limits: { bytes: 2 ** 20 } }),
        ensureImage: async () => image,
        startMachine: withPool(start, pool),
        onEvent: (event) => void events.push(event),
        onImageProgress: ignore,
      })
      const path = join(data, 'jobs', jobId)
      const log = await readFile(join(path, 'log'), 'utf8')
      return { record, log, events, console: await readFile(join(path, 'console'), 'utf8') }
    }
    const runs = await Promise.all([run('one'), run('two')])
    for (const [index, { record, log, events, console }] of runs.entries()) {
      expect(record.verdict, log).toBe('passed')
      expect(record.machine).toMatchObject({ strategy: 'pool', gates: [{ name: 'take' }] })
      expect(log).toContain('pool start with ')
      expect(log).not.toContain('not faster')
      expect(log).toMatch(new RegExp(`^env a value ${['one', 'two'][index]} http://127.0.0.1:\\d+$`, 'm'))
      expect(log).toContain('\nfile hello\n')
      // Of the rehearsal there is nothing.
      expect(log).toMatch(
        /^left \/run\/mayfly\/job: 0 env mayfly-env proxy-\d+ step {2}\/var\/lib\/mayfly: 0\.log $/m,
      )
      expect(log).toContain('10.0.0.1:80 was refused')
      const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
      expect(notes.filter((note) => note.includes('network: 10.0.0.1:80 refused'))).toHaveLength(1)
      expect(record.egress).toHaveLength(1)
      expect(console).toContain(`said by ${['one', 'two'][index]}`)
    }
    const keys = runs.map(({ log }) => /^key .*$/m.exec(log)?.[0])
    expect(keys[0]).not.toBe(keys[1])
    await eventually('a full pool again', isReady(2))
    await pool.drain()
    expect(await qemuProcesses(data)).toEqual([])
  })
})
