import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { gitFailure } from '../../../orchestrator/git/git-failure.ts'

const failure = (stderr: string, secrets: string[] = []) =>
  gitFailure({ doing: 'fetching x', stderr, secrets })

describe('gitFailure', () => {
  it.each([
    ["fatal: could not read Username for 'https://x': terminal prompts disabled", 'to be let in'],
    ['git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'to be let in'],
    [
      'Host key verification failed.\nfatal: Could not read from remote repository.',
      "the server's ssh host key",
    ],
    ["fatal: repository 'https://x/' not found", 'a repository at the clone URL'],
    ["fatal: transport 'file' not allowed", 'a transport that is allowed'],
    ['fatal: detected dubious ownership in repository at', 'a repository of the user'],
    ['error: object 12: hasDotgit: contains .git\nfatal: fsck error in packed object', 'a sound repository'],
  ])('takes %j for a mistake of the set-up', (stderr, expected) => {
    const error = failure(stderr)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toContain(`fetching x: expected ${expected}`)
    expect(error.hint).toBeTruthy()
  })

  it.each([
    ["fatal: unable to access 'https://x/': Could not resolve host: x", 'upload'],
    ['fatal: early EOF\nfatal: index-pack failed', 'upload'],
    ['error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502', 'upload'],
    ['something never heard of', 'upload'],
    ['fatal: write error: No space left on device', 'host-disk-full'],
  ])('takes %j for trouble that may pass', (stderr, failureClass) => {
    const error = failure(stderr)
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({ class: failureClass })
    expect(error.hint).toBeTruthy()
  })

  it('has no secret in it, nor what a terminal would obey, nor all that a server may say', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, unit: fc.constantFrom(...'abcXYZ0123456789+/=') }),
        fc.string(),
        (secret, noise) => {
          const stderr = `remote: \u001b]0;x\u0007${noise}${secret}${noise}\nfatal: https://u:${secret}@host/ ${'x'.repeat(5000)}`
          const { message } = failure(stderr, [secret])
          expect(message).not.toContain(secret)
          expect(message).not.toMatch(/\p{Cc}/u)
          expect(message.length).toBeLessThan(600)
        },
      ),
    )
  })
})
