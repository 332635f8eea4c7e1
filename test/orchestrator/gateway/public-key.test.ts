import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { parsePublicKeys } from '../../../orchestrator/gateway/parse-public-keys.ts'
import { parsePublicKey } from '../../../orchestrator/gateway/public-key.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A key of OpenSSH's own making: its public line, and its fingerprint as OpenSSH prints it. */
async function keygen(name: string, ...args: string[]): Promise<{ line: string; fingerprint: string }> {
  const file = join(folder, name)
  await execa('ssh-keygen', ['-q', '-N', '', '-C', 'ada@home with spaces', '-f', file, ...args])
  const { stdout } = await execa('ssh-keygen', ['-l', '-f', file])
  return { line: await readFile(`${file}.pub`, 'utf8'), fingerprint: stdout.split(' ')[1] ?? '' }
}

function refusal(line: string): string {
  try {
    parsePublicKey(line)
  } catch (error) {
    if (error instanceof ConfigError) return `${error.message} ${error.hint ?? ''}`
    throw error
  }
  throw new Error('expected the key to be refused')
}

describe('parsePublicKey', () => {
  it.each([
    ['ssh-ed25519', ['-t', 'ed25519']],
    ['ssh-rsa', ['-t', 'rsa', '-b', '2048']],
    ['ecdsa-sha2-nistp256', ['-t', 'ecdsa', '-b', '256']],
    ['ecdsa-sha2-nistp384', ['-t', 'ecdsa', '-b', '384']],
    ['ecdsa-sha2-nistp521', ['-t', 'ecdsa', '-b', '521']],
  ])('reads a key of type %s with the fingerprint that ssh-keygen prints', async (type, args) => {
    const { line, fingerprint } = await keygen(type, ...args)
    expect(parsePublicKey(line)).toMatchObject({ type, fingerprint, comment: 'ada@home with spaces' })
  })

  it('never repeats a private key, and says that it should have stayed where it was', () => {
    const { privateKey } = makeKeyPair('ada')
    const said = refusal(privateKey)
    expect(said).toContain('got a private key')
    expect(said).not.toContain(privateKey.split('\n')[1])
  })

  it('refuses an RSA key that is too short', async () => {
    const { line } = await keygen('short', '-t', 'rsa', '-b', '1024')
    expect(refusal(line)).toMatch(/got an RSA key of 1024 bits, fewer than 2048 .*ed25519/)
  })

  it('says what was expected of a line that is none of these', () => {
    const [, base64 = ''] = makeKeyPair('ada').publicKey.split(' ')
    expect(refusal('')).toMatch(/^expected a public key in one line.*; got nothing/)
    expect(refusal('hello')).toContain('got a line that begins with "hello"')
    expect(refusal(`from="10.0.0.1" ssh-ed25519 ${base64}`)).toContain('options like from="…"')
    expect(refusal(`sk-ssh-ed25519@openssh.com ${base64}`)).toContain('which the gateway cannot check')
    expect(refusal(`ssh-ed25519-cert-v01@openssh.com ${base64}`)).toContain('which the gateway cannot check')
    expect(refusal(`ssh-dss ${base64}`)).toContain('DSA')
    expect(refusal('ssh-ed25519 ***')).toContain('got no base64 text')
    expect(refusal(`ssh-ed25519 ${base64.slice(0, -8)}`)).toContain('cut off or changed')
    expect(refusal(`ssh-rsa ${base64}`)).toContain('cut off or changed')
  })

  it('says so, whatever the line is', () => {
    const [type = '', base64 = ''] = makeKeyPair('ada').publicKey.split(' ')
    const changed = fc
      .tuple(fc.nat(base64.length - 1), fc.constantFrom('A', 'z', '/', '=', ' '))
      .map(([at, letter]) => `${type} ${base64.slice(0, at)}${letter}${base64.slice(at + 1)}`)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `ssh-rsa ${text}`),
          changed,
        ),
        (line) => {
          try {
            expect(parsePublicKey(line).fingerprint).toMatch(/^SHA256:/)
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
        },
      ),
    )
  })
})

describe('parsePublicKeys', () => {
  it('gives the keys that are good, and the lines that are not', () => {
    const ada = makeKeyPair('ada')
    const { keys, problems } = parsePublicKeys(
      `# mine\n${ada.publicKey}\r\n\n  \nsk-ssh-ed25519@openssh.com AAAA\n`,
    )
    expect(keys.map((key) => key.fingerprint)).toEqual([ada.fingerprint])
    expect(problems).toEqual([{ line: 5, message: expect.stringContaining('expected a public key') }])
  })
})
