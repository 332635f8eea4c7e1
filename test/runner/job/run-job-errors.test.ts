import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { type JobSetting, liveJob, readKept } from './live-job.ts'

const whole = `
setup: [ apt-get install -y build-essential ]
steps:
  - name: build
    run: make
  - name: test
    run: make check
artifacts: [ out/report.xml ]
`

const files = { 'out/report.xml': '<ok/>' }

describe('a phase that fails for reasons of ours', () => {
  const fault = (failure: InfraError['class']) =>
    new InfraError(failure, `no luck with ${failure}`, { hint: 'h' })

  it.each<[string, Partial<JobSetting>, string]>([
    ['image', { ensureImage: () => Promise.reject(fault('image')) }, 'image'],
    ['boot', { boot: { instead: fault('boot') } }, 'boot'],
    ['preparation', { faults: { prepare: fault('boot') } }, 'boot'],
    ['setup', { steps: { setup: { instead: fault('ssh-lost') } } }, 'ssh-lost'],
    ['upload', { faults: { upload: fault('upload') } }, 'upload'],
    ['steps', { steps: { test: { instead: fault('ssh-lost') } } }, 'ssh-lost'],
    ['collect', { faults: { stat: fault('collect') } }, 'collect'],
  ])('in %s makes the job errored with its class, sentence and hint', async (_phase, setting, failure) => {
    const { record, start } = await liveJob({ pipeline: whole, files, ...setting })
    expect(record).toMatchObject({ verdict: 'errored', failure, hint: 'h' })
    expect(record.reason).toContain(`no luck with ${failure}`)
    for (const machine of start.machines) expect(machine.destroyed).toEqual(['now'])
  })

  it('in handing over the secrets makes it errored, too', async () => {
    const { record } = await liveJob({
      pipeline: whole,
      secrets: { TOKEN: 'hunter22' },
      faults: { addSecrets: fault('ssh-lost') },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'ssh-lost' })
  })

  it('and that nobody foresaw is said to be ours, not the user’s', async () => {
    const { record, machine } = await liveJob({
      pipeline: whole,
      steps: { build: { instead: new TypeError('x is not a function') } },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: undefined })
    expect(record.reason).toBe("an error of Mayfly's own: x is not a function")
    expect(machine?.destroyed).toEqual(['now'])
  })

  it('leaves no machine when the boot fails, and keeps what its console said', async () => {
    const lived = await liveJob({
      pipeline: whole,
      boot: {
        console: 'Kernel panic - not syncing\n',
        instead: { kind: 'guest-panic', message: 'it panicked' },
      },
    })
    expect(lived.record).toMatchObject({ verdict: 'errored', failure: 'guest-panic', machine: undefined })
    expect(lived.start.machines).toEqual([])
    expect(await readKept(lived, 'console')).toBe('Kernel panic - not syncing\n')
  })
})
