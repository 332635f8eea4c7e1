import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import ssh2 from 'ssh2'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'

function parsed(text: string): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error) throw key
  return key
}

describe('makeKeyPair', () => {
  it('makes 2000 pairs of which ssh2 takes both halves, to sign and to verify', () => {
    const data = Buffer.from('what is signed')
    for (let count = 0; count < 2000; count++) {
      const pair = makeKeyPair(`mayfly-${count}`)
      const [privateHalf, publicHalf] = [parsed(pair.privateKey), parsed(pair.publicKey)]
      expect(privateHalf.isPrivateKey()).toBe(true)
      expect(privateHalf.getPublicSSH().equals(publicHalf.getPublicSSH())).toBe(true)
      expect(publicHalf.verify(data, privateHalf.sign(data))).toBe(true)
    }
  })

  it('agrees with ssh-keygen on the public half, the comment and the fingerprint', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mayfly-keys-'))
    try {
      for (const comment of ['mayfly-1', 'machine of job 12, attempt 3']) {
        const pair = makeKeyPair(comment)
        const file = join(folder, 'key')
        writeFileSync(file, pair.privateKey, { mode: 0o600 })
        chmodSync(file, 0o600)
        const keygen = (...args: string[]) =>
          execFileSync('ssh-keygen', [...args, '-f', file])
            .toString()
            .trim()
        expect(keygen('-y')).toBe(pair.publicKey)
        expect(keygen('-l')).toBe(`256 ${pair.fingerprint} ${comment} (ED25519)`)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('makes a public key of one line whatever printable comment it is given', () => {
    const comment = fc.stringMatching(/^[!-~]([ -~]{0,98}[!-~])?$/)
    fc.assert(
      fc.property(comment, (text) => {
        const { publicKey, privateKey } = makeKeyPair(text)
        expect(publicKey).toMatch(/^ssh-ed25519 AAAA[A-Za-z0-9+/]{64} .+$/)
        expect(parsed(privateKey).comment).toBe(text)
      }),
    )
  })

  it.each(['', ' ', 'two\nlines', 'ümlaut', 'x'.repeat(101), 'nul\0'])(
    'refuses the comment %j',
    (comment) => {
      expect(() => makeKeyPair(comment)).toThrow(ConfigError)
    },
  )
})
