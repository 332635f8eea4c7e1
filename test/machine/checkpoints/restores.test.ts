import { createHash } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { checkpointsFolder } from '../../../runner/template/filenames.ts'
import { listTemplates } from '../../../runner/template/template-shelf.ts'
import { type Bench, createBench, expectNothingLeft, type Run } from '../mayfly.ts'

const sleptMs = 5000

/** Succeeds only as the first job wants it, so that where it runs for another one it says so by failing. */
const setup = `
    echo the setup runs
    env | grep -E '^MAYFLY_(JOB|BUILD)_ID=|^MAYFLY_(REF|SHA|EVENT|REPO)=' && exit 4
    [ "$FLAVOUR" = plain ]
    [ -z "$http_proxy" ]
    grep -q '^lock 1$' deps.lock
    [ ! -e other.txt ]
    sleep ${sleptMs / 1000}
    sudo sh -c 'echo made by the setup >/opt/x'
    echo FROM_SETUP=carried over >>"$MAYFLY_ENV"
    setsid sleep 3000 </dev/null >/dev/null 2>&1 &
    echo $! >~/daemon
    printf '# the setup was here' >>~/.ssh/authorized_keys
`

type Change = { flavour?: string; network?: string; more?: string }

const job = ({ flavour = 'plain', network = 'none', more = '' }: Change = {}) => `
  resources: { memory: 512MiB }
  network: ${network}
  env: { FLAVOUR: ${flavour} }
  setup_files: [ deps.lock ]
  setup: |${setup}${more}
  steps:
    - |
      echo "urandom: $(head -c 24 /dev/urandom | base64)"
      echo "time: $(date +%s)"
      echo "machine id: $(cat /etc/machine-id)"
      echo "hostname: $(hostname) $(cat /etc/hostname)"
      echo "host key: $(cat /etc/ssh/ssh_host_ed25519_key.pub)"
      echo "job keys: $(grep ^ssh- ~/.ssh/authorized_keys | cut -d ' ' -f 2 | tr '\\n' ' ')"
      echo "file: $(cat /opt/x)"
      echo "environment: $FROM_SETUP, for $MAYFLY_JOB_ID"
      echo "daemon: $(cat /proc/$(cat ~/daemon)/comm)"
      echo "other: $(cat other.txt)"
`

/** What the first step said of something. */
function said({ log }: Run, what: string): string {
  return new RegExp(`^${what}: (.*)$`, 'm').exec(log)?.[1]?.trim() ?? 'nothing'
}

const phaseMs = (record: JobRecord | undefined, names: readonly string[]) =>
  record?.phases.filter(({ phase }) => names.includes(phase)).reduce((sum, { ms }) => sum + ms, 0) ?? 0

const shelf = ({ data }: Bench) => listTemplates(checkpointsFolder(data))

describe('the checkpoint of a setup', () => {
  it('is where later jobs start, as machines of their own, as long as nothing that went into it changes', async () => {
    const bench = await createBench({ templates: 'shared' })
    const put = (name: string, text: string) => writeFile(join(bench.work, name), text)
    await put('deps.lock', 'lock 1\n')
    await put('other.txt', 'first')

    const first = await bench.run(job())
    expect(first.record, first.output).toMatchObject({
      verdict: 'passed',
      machine: { strategy: 'checkpoint' },
    })
    const [made] = await shelf(bench)
    expect(first.record?.machine?.checkpoint).toMatchObject({ state: 'kept', key: made?.key })
    expect(first.log).toContain(`setup runs now, to be kept as checkpoint ${made?.key}: there is none yet`)
    expect(first.log.match(/the setup runs/g)).toHaveLength(1)
    // Of both machines, the one that was frozen and the one that the job went on in.
    const [inSetup, inStep] = (first.record?.steps ?? []).map(({ use }) => use?.cpuMs ?? 0)
    expect(inSetup).toBeGreaterThan(0)
    expect(inStep).toBeGreaterThan(0)
    expect(first.record?.use?.cpuMs).toBeGreaterThan((inSetup ?? 0) + (inStep ?? 0))
    expect(first.console).not.toContain('the boot of checkpoint')
    await expectNothingLeft(bench)
    await expectNothingAtWork(bench)

    // Each of these would start after the setup, and pass, if its change went unseen.
    await put('deps.lock', 'lock 2\n')
    const ofFiles = await bench.run(job())
    await put('deps.lock', 'lock 1\n')
    await bench.run(`jobs:
  text:\n${inJobs(job({ more: '    exit 9\n' }))}
  environment:\n${inJobs(job({ flavour: 'other' }))}
  network:\n${inJobs(job({ network: 'web' }))}`)
    const changed = (await bench.records()).slice(1)
    expect(ofFiles.record?.verdict).toBe('failed')
    expect(changed.map(({ verdict }) => verdict)).toEqual(Array(4).fill('failed'))
    for (const { machine, steps } of changed) {
      expect(machine?.checkpoint).toMatchObject({ state: 'to-keep', reason: 'there is none yet' })
      expect(steps.map(({ status }) => status)).toEqual(['failed'])
    }
    expect((await shelf(bench)).map(({ key }) => key)).toEqual([made?.key])
    await expectNothingAtWork(bench)

    // It stands on the image alone.
    await rm(join(bench.data, 'templates'))
    await put('other.txt', 'second')
    const second = await bench.run(job())
    expect(second.record, second.output).toMatchObject({
      verdict: 'passed',
      machine: { strategy: 'checkpoint' },
    })
    expect(second.record?.machine?.checkpoint).toMatchObject({ state: 'restored', key: made?.key })
    const by = `(made by build ${first.record?.context.buildId}, `
    expect(second.log).toContain(`setup restored from checkpoint ${made?.key} ${by}`)
    expect(second.log).not.toContain('the setup runs')
    expect(second.record?.steps).toHaveLength(1)
    expect(second.console).toContain(`the boot of checkpoint ${made?.key}`)
    expect(second.console.match(/Linux version/g)).toHaveLength(1)
    expect(await readdir(bench.data)).not.toContain('templates')
    const [used] = await shelf(bench)
    expect(used?.lastUsed).toBeGreaterThan(made?.lastUsed ?? 0)

    for (const [run, other] of [
      [first, 'first'],
      [second, 'second'],
    ] as const) {
      expect(said(run, 'other')).toBe(other)
      expect(said(run, 'file')).toBe('made by the setup')
      expect(said(run, 'environment')).toBe(`carried over, for ${run.record?.id}`)
      expect(said(run, 'daemon')).toBe('sleep')
      expect(said(run, 'hostname')).toBe(`${run.record?.id} ${run.record?.id}`)
      // One key opens it, which is not that of the machine before.
      expect(fingerprint(said(run, 'job keys'))).toBe(run.record?.machine?.keyFingerprint)
      expectTimeOf(run)
    }
    for (const what of ['urandom', 'machine id', 'host key', 'job keys']) {
      expect(said(first, what), what).not.toBe('nothing')
      expect(said(first, what), what).not.toBe(said(second, what))
    }
    const toReady = (run: Run) => phaseMs(run.record, ['boot', 'setup'])
    expect(toReady(second)).toBeLessThan(toReady(first) - sleptMs)
    await expectNothingLeft(bench)
  })
})

const inJobs = (text: string) => text.replaceAll(/^/gm, '  ')

async function expectNothingAtWork({ data }: Bench): Promise<void> {
  for (const name of ['.work', '.locks', '.failed'])
    expect(await readdir(join(checkpointsFolder(data), name)).catch(() => []), name).toEqual([])
}

/** As OpenSSH writes it, of a public key in base64. */
function fingerprint(key: string): string {
  const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64')
  return `SHA256:${digest.replace(/=+$/, '')}`
}

function expectTimeOf(run: Run): void {
  const time = Number(said(run, 'time')) * 1000
  expect(time).toBeGreaterThan(Date.parse(run.record?.started ?? '') - 2000)
  expect(time).toBeLessThan(Date.parse(run.record?.ended ?? '') + 2000)
}
