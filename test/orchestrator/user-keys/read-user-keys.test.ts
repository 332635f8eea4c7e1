import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { readUserKeys } from '../../../orchestrator/user-keys/read-user-keys.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { aRepository } from '../a-repository.ts'
import { aKeysServer, type Pages } from './a-keys-server.ts'

const [one, two] = [makeKeyPair('one').publicKey, makeKeyPair('two').publicKey]
const bare = (line: string) => line.split(' ').slice(0, 2).join(' ')

async function read(pages: Pages) {
  const { url } = await aKeysServer(pages)
  return await readUserKeys(aRepository({ apiUrl: `${url}/api/v1` }), 'ada')
}

describe('the keys of a user of a forge', () => {
  it('are those that the gateway can take, each once, and what is wrong with the others is said', async () => {
    const security = `sk-ssh-ed25519@openssh.com AAAA ada\n`
    const { keys, problems } = await read({ '/ada.keys': `${one}\n${security}${two}\n${one}\n` })
    expect(keys).toEqual([bare(one), bare(two)])
    expect(problems).toEqual([expect.stringMatching(/\/ada\.keys, line 2: .*which the gateway cannot check/)])
  })

  it('are none for a user whom the forge does not know', async () => {
    expect(await read({})).toEqual({
      keys: [],
      problems: [expect.stringContaining('/ada.keys: the forge knows no such user')],
    })
  })

  it('are read where the same forge sends whoever asks, and nowhere else', async () => {
    const to = (location: string) => (response: import('node:http').ServerResponse) =>
      void response.writeHead(302, { location }).end()
    expect((await read({ '/ada.keys': to('/Ada.keys'), '/Ada.keys': one })).keys).toEqual([bare(one)])
    const other = await aKeysServer({ '/ada.keys': one })
    await expect(read({ '/ada.keys': to(`${other.url}/ada.keys`) })).rejects.toThrow(
      `got a redirect to ${other.url}`,
    )
    expect(other.asked).toEqual([])
    await expect(read({ '/ada.keys': to('/ada.keys') })).rejects.toThrow('one redirect after the other')
  })

  it.each<[string, Pages['x'], string]>([
    [
      'a page for people',
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(one),
      'is the forge private',
    ],
    ['an error', (response) => void response.writeHead(500).end(), 'got status 500'],
    ['more than anybody has', `${one}\n`.repeat(5000), 'more than 256 KiB'],
    ['the end of the connection', (response) => void response.destroy(), 'got '],
  ])('are not made of %s', async (_what, page, says) => {
    const reading = read({ '/ada.keys': page })
    await expect(reading).rejects.toThrow(says)
    await expect(reading).rejects.toBeInstanceOf(InfraError)
  })
})
