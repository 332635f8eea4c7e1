import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { eventually } from '../../eventually.ts'
import { type AGateway, startAGateway } from './a-gateway.ts'
import { type RealSshd, startSshd } from './an-sshd.ts'

const place = 'job-1@127.0.0.1'
let sshd: RealSshd
let here: AGateway

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())
afterEach(() => here.stop())

/** Comes with another key, as OpenSSH's client does. */
async function comeWith(privateKey: string, ...args: string[]) {
  const file = join(here.folder, 'other')
  await writeFile(file, privateKey, { mode: 0o600 })
  const options = here.options.map((option) =>
    option.startsWith('IdentityFile=') ? `IdentityFile=${file}` : option,
  )
  return await here.run('ssh', [...options, ...args, place, 'true'])
}

const refusals = () => here.audit.filter((entry) => entry.what === 'refused')

describe('a login', () => {
  it('is refused with a key that may not enter; the user is told, and the key is on record', async () => {
    here = await startAGateway(sshd)
    const eve = makeKeyPair('eve')
    const { code, stderr } = await comeWith(eve.privateKey)
    expect(code).toBe(255)
    expect(stderr).toContain(`Mayfly: no key of yours may enter job job-1; you showed ${eve.fingerprint}`)
    expect(stderr).toContain('Permission denied')
    expect(refusals()).toEqual([
      {
        ...{ at: expect.any(Date), from: expect.stringMatching(/^127/), job: 'job-1', what: 'refused' },
        ...{ why: expect.stringContaining('no key'), fingerprints: [eve.fingerprint] },
      },
    ])
    // Without a person nothing but keys is tried; it is on record all the same.
    expect((await comeWith(eve.privateKey, '-o', 'BatchMode=yes')).code).toBe(255)
    await eventually('the second refusal', async () => refusals()[1])
    expect(refusals()[1]).toMatchObject({
      why: 'no key of the client may enter',
      fingerprints: [eve.fingerprint],
    })
  })

  it('is not won by showing a key: it takes a signature', async () => {
    here = await startAGateway(sshd)
    const eve = makeKeyPair('eve')
    // Eve shows ada's key, and signs with her own.
    const forged = ssh2.utils.parseKey(eve.privateKey)
    if (forged instanceof Error) throw forged
    const shown = Buffer.from(here.ada.publicKey.split(' ')[1] ?? '', 'base64')
    Object.defineProperty(forged, 'getPublicSSH', { value: () => shown })
    const answers: string[] = []
    const attempt = here.login({
      authHandler: [{ type: 'publickey', username: 'job-1', key: forged }] as never,
      debug: (line) => answers.push(line),
    })
    await expect(attempt).rejects.toThrow('All configured authentication methods failed')
    expect(answers.join('\n')).toContain('Received USERAUTH_PK_OK')
    expect(refusals()).toMatchObject([{ why: `the signature with ${here.ada.fingerprint} is wrong` }])
    expect(here.audit.some((entry) => entry.what === 'login')).toBe(false)
  })

  it('is not won with a password, with no method, or by answering questions', async () => {
    here = await startAGateway(sshd)
    const attempt = here.login({ password: 'secret', tryKeyboard: true })
    await expect(attempt).rejects.toThrow('All configured authentication methods failed')
    const { stderr } = await here.ssh(['-o', 'PubkeyAuthentication=no', place, 'true'])
    expect(stderr).toContain('Permission denied (publickey,keyboard-interactive)')
  })

  it('is refused to a client that signs with SHA-1', async () => {
    const { private: rsa, public: line } = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 })
    here = await startAGateway(sshd, { allowed: [line] })
    const { stderr } = await comeWith(rsa, '-o', 'PubkeyAcceptedAlgorithms=ssh-rsa')
    expect(stderr).toContain('your client signs with SHA-1')
  })

  it('finds the right key among many of an agent', async () => {
    here = await startAGateway(sshd)
    const others: string[] = []
    for (let number = 0; number < 6; number += 1) {
      const file = join(here.folder, `other-${number}`)
      await writeFile(file, makeKeyPair('other').privateKey, { mode: 0o600 })
      others.push('-o', `IdentityFile=${file}`)
    }
    const { code, stderr } = await here.run('ssh', [...others, ...here.options, place, 'true'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(refusals()).toEqual([])
  })

  it('is refused to a job that is not open, with the reason, whatever the key', async () => {
    here = await startAGateway(sshd)
    const { code, stderr } = await here.ssh(['job-2@127.0.0.1', 'true'])
    expect(code).toBe(255)
    expect(stderr).toContain('Mayfly: no machine is held for job-2')
    expect(refusals()).toMatchObject([{ job: 'job-2', why: 'no machine is held for job-2' }])
  })

  it('is refused when the time is over', async () => {
    here = await startAGateway(sshd, { until: new Date('2026-01-02T03:04:05Z') })
    const { stderr } = await here.ssh([place, 'true'])
    expect(stderr).toContain('Mayfly: the time of job job-1 was over at 2026-01-02 03:04:05 UTC')
  })

  it('is refused when nobody can say who may enter, and when its name is no job', async () => {
    here = await startAGateway(sshd, { authorize: () => Promise.reject(new Error('Redis is away')) })
    expect((await here.ssh([place, 'true'])).stderr).toContain(
      'Mayfly: who may enter job job-1 could not be found out',
    )
    expect((await here.ssh(['-l', 'a+b', '127.0.0.1', 'true'])).stderr).toContain(
      "expected a job's id as user name",
    )
  })

  it('is shown no escape sequence of a reason', async () => {
    here = await startAGateway(sshd, {
      authorize: async () => ({ kind: 'refused', why: 'no\u001b]0;evil\u0007pe' }),
    })
    expect((await here.ssh([place, 'true'])).stderr).toContain('Mayfly: nope')
  })

  it('passes over a key of the record that is none', async () => {
    here = await startAGateway(sshd, { allowed: ['ssh-ed25519 rubbish', ''] })
    expect((await here.ssh([place, 'true'])).code).toBe(0)
  })

  it('is refused beyond the sessions of a job, with the name of who is there, and let in afterwards', async () => {
    here = await startAGateway(sshd)
    const client = await here.login()
    const { code, stderr } = await here.ssh([place, 'true'])
    expect(code).toBe(255)
    expect(stderr).toMatch(/Mayfly: job job-1 has 1 of 1 sessions already: ada from 127\.0\.0\.1:\d+/)
    expect(refusals()).toHaveLength(1)
    client.end()
    await eventually('the session is over', async () =>
      here.gateway.sessions().length === 0 ? true : undefined,
    )
    expect((await here.ssh([place, 'true'])).code).toBe(0)
  })

  it('shares no more than the allowed number of sessions among many that come at once', async () => {
    here = await startAGateway(sshd, { limits: { sessionsPerJob: 2 } })
    const comers = await Promise.allSettled(Array.from({ length: 8 }, () => here.login()))
    const inside = comers.flatMap((comer) => (comer.status === 'fulfilled' ? [comer.value] : []))
    expect(inside).toHaveLength(2)
    expect(here.gateway.sessions()).toHaveLength(2)
    for (const client of inside) client.end()
  })
})
