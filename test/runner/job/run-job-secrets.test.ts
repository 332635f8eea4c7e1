import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { type JobSetting, type LivedJob, liveJob, readKept } from './live-job.ts'

const token = 'hunter22-correct-horse'
const key = '-----BEGIN KEY-----\nAAAAsecretline1\nBBBBsecretline2\n-----END KEY-----'
const secrets = { TOKEN: token, KEY: key }
const pipeline = 'secrets: [ TOKEN, KEY ]\nsteps: [ deploy ]'

const live = (setting: Partial<JobSetting>) => liveJob({ pipeline, secrets, ...setting })

/** Everything that was kept and told of a job. */
async function allOf({ folder, events }: LivedJob): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name !== 'artifacts')
  const kept = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))
  const told = events.map((event) =>
    'data' in event ? event.data.toString('latin1') : JSON.stringify(event),
  )
  return [...kept, ...told].join('\n')
}

describe('the value of a secret', () => {
  it('is starred in the log, also where the chunks break in it', async () => {
    const prints = [`token=${token.slice(0, 5)}`, 5, `${token.slice(5, 9)}`, `${token.slice(9)}; done\n`]
    const lived = await live({ steps: { deploy: { prints } } })
    expect(await readKept(lived, 'log')).toMatch(/\ntoken=\*\*\*; done\n$/)
    expect(await allOf(lived)).not.toContain(token)
  })

  it('of several lines is starred as a whole and line by line', async () => {
    const prints = [`${key}\n`, 'one of them: AAAAsecretline1\n']
    const lived = await live({ steps: { deploy: { prints } } })
    const all = await allOf(lived)
    expect(all).not.toContain('secretline1')
    expect(all).not.toContain('secretline2')
  })

  it('is starred on the console', async () => {
    const lived = await live({ steps: { deploy: { console: `audit: echo ${token}\n` } } })
    expect(await readKept(lived, 'console')).toBe('audit: echo ***\n')
    expect(await allOf(lived)).not.toContain(token)
  })

  it('is starred in the reason, in notes and in the record', async () => {
    const lived = await live({
      steps: {
        deploy: { instead: new InfraError('ssh-lost', `it said: ${token}`, { hint: `try ${token}` }) },
      },
    })
    expect(lived.record).toMatchObject({
      reason: 'in step "deploy", it said: ***',
      hint: 'try ***',
    })
    expect(await allOf(lived)).not.toContain(token)
  })

  it('is starred in the name of a step', async () => {
    const lived = await live({ pipeline: `secrets: [ TOKEN ]\nsteps: [ 'echo ${token}' ]` })
    expect(lived.record.steps[0]?.name).toBe('echo ***')
    expect(await allOf(lived)).not.toContain(token)
  })

  it('that began and did not go on is let go at the end of its step', async () => {
    const lived = await live({ steps: { deploy: { prints: [`${token.slice(0, 8)}`] } } })
    const log = Buffer.from(await readKept(lived, 'log'))
    const { start, end } = lived.record.steps[0] ?? { start: 0, end: 0 }
    expect(log.subarray(start, end).toString()).toBe(token.slice(0, 8))
  })

  it('that begins as a line of ours ends does not take that line into the step', async () => {
    const lived = await live({
      pipeline: 'secrets: [ ODD ]\nsteps: [ deploy ]',
      secrets: { ODD: 'deploy\nBBBB' },
      steps: { deploy: { prints: ['hello\n'] } },
    })
    const log = Buffer.from(await readKept(lived, 'log'))
    const { start, end } = lived.record.steps[0] ?? { start: 0, end: 0 }
    expect(log.subarray(start, end).toString()).toBe('hello\n')
  })

  it('that is too short to be masked is named, not shown', async () => {
    const { events } = await live({ pipeline: 'secrets: [ PIN ]\nsteps: [ deploy ]', secrets: { PIN: '42' } })
    const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
    expect(notes).toContain('too short to be masked: PIN')
  })
})
