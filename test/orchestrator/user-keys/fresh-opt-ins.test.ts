import { describe, expect, it } from 'vitest'
import type { OptIn, OptIns } from '../../../orchestrator/holds/opt-ins.ts'
import { freshOptIns } from '../../../orchestrator/user-keys/fresh-opt-ins.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { aRepository } from '../a-repository.ts'
import { keptLog } from '../kept-log.ts'
import { aKeysServer, type Pages } from './a-keys-server.ts'

const bare = (name: string) => makeKeyPair(name).publicKey.split(' ').slice(0, 2).join(' ')
const [before, later] = [bare('before'), bare('later')]
const minute = 60_000
const start = Date.parse('2026-01-01T00:00:00.000Z')

async function aDoor(pages: Pages) {
  const forge = await aKeysServer(pages)
  const { log } = keptLog()
  let time = start
  let kept: OptIn | undefined = {
    by: 'ann',
    at: new Date(start).toISOString(),
    keys: [{ who: 'root', publicKey: 'static' }],
    users: [{ name: 'ada', read: new Date(start).toISOString(), keys: [before] }],
  }
  const optIns: Pick<OptIns, 'get' | 'replace'> = {
    get: async () => kept,
    replace: async (_key, was, after) => {
      if (JSON.stringify(was) !== JSON.stringify(kept)) return false
      kept = after
      return true
    },
  }
  const repositories = { get: async () => aRepository({ apiUrl: forge.url }) }
  const fresh = freshOptIns({ optIns, repositories, now: () => new Date(time), log })
  return {
    forge,
    /** The keys of ada that open the door so many ms after she was let in. */
    at: async (ms: number) => {
      time = start + ms
      return (await fresh.get('gitea:ada/engine'))?.users?.flatMap(({ keys }) => keys)
    },
    end: () => {
      kept = undefined
    },
  }
}

describe('the keys of users at the door', () => {
  it('are asked for anew when somebody comes and they are old, once for all who come then', async () => {
    const { at, forge } = await aDoor({ '/ada.keys': later })
    expect(await at(9 * minute)).toEqual([before])
    expect(forge.asked).toEqual([])
    expect(await Promise.all([at(11 * minute), at(11 * minute)])).toEqual([[later], [later]])
    expect(await at(20 * minute)).toEqual([later])
    expect(forge.asked).toEqual(['/ada.keys'])
  })

  it('are none as soon as the forge says that there are none', async () => {
    const { at } = await aDoor({ '/ada.keys': '' })
    expect(await at(11 * minute)).toEqual([])
  })

  it('count for an hour where the forge does not answer, which is asked once a minute then', async () => {
    const { at, forge } = await aDoor({ '/ada.keys': (response) => void response.writeHead(503).end() })
    expect(await at(11 * minute)).toEqual([before])
    expect(await at(11 * minute + 1000)).toEqual([before])
    expect(forge.asked).toHaveLength(1)
    expect(await at(13 * minute)).toEqual([before])
    expect(forge.asked).toHaveLength(2)
    expect(await at(61 * minute)).toEqual([])
    forge.pages['/ada.keys'] = later
    expect(await at(63 * minute)).toEqual([later])
  })

  it('open nothing where the opt-in was ended while the forge was asked', async () => {
    const { at, end } = await aDoor({
      '/ada.keys': (response) => {
        end()
        response.end(later)
      },
    })
    expect(await at(11 * minute)).toBe(undefined)
  })
})
