import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type GitServer, startGitServer } from '../orchestrator/git-server.ts'
import { type StandIn, startStandIn } from '../orchestrator/statuses/stand-in.ts'
import { until } from '../orchestrator/until.ts'
import { githubCall, pushOf, signatureOf } from '../orchestrator/whole/github-call.ts'
import { inPlaceOf, type Page } from '../read-page.ts'
import type { Check } from './check.ts'
import { type Engine, project } from './engine.ts'

const networks = z.tuple([z.object({ subnets: z.tuple([z.object({ gateway: z.string() })]) })])
const patienceMs = 15 * 60_000
const name = 'octo/hello'

/**
 * The page's section word by word: the host file, the servers anew, the repository, its pipeline file and a push. In the
 * place of the forge stand a git server and an API of this test, on the address that this host has in the network of the containers.
 */
export function greenCommit({ podman, shell, checkout }: Engine, port: number, page: Page): Check {
  const [hostFile = '', pipeline = ''] = page.blocks('A green commit', 'yaml', 2)
  const [register = ''] = page.blocks('A green commit', 'sh', 1)
  return {
    title: 'makes a pushed commit green, by what its page says',
    run: async () => {
      const address = await addressOfHost()
      const git = await startGitServer({}, address)
      const forge = await startStandIn(address)
      try {
        await becomesGreen(git, forge)
      } finally {
        await git.close()
        await forge.stop()
      }
    },
  }

  async function becomesGreen(git: GitServer, forge: StandIn): Promise<void> {
    const { cloneUrl, sha } = await git.createRepository(name, { '.mayfly.yml': pipeline })
    await setHostFile(hostFile)
    const words = { [`https://github.com/${name}.git`]: `${cloneUrl} --api-url ${forge.url}` }
    const said = (await shell(inPlaceOf(register, words), { TOKEN: 'status-token' })).stdout
    const [, webhookPath] = /Let the forge call https:\/\/ci\.example\.org(\S+) on pushes/.exec(said) ?? []
    const [, secret] = /webhook secret, shown this once: (\S+)/.exec(said) ?? []
    assert.ok(webhookPath !== undefined && secret !== undefined, said)

    const body = JSON.stringify(pushOf({ name, cloneUrl, sha }))
    const { method, headers } = githubCall({ body, signature: signatureOf(body, secret) })
    const pushed = await fetch(`http://127.0.0.1:${port}${webhookPath}`, { method, headers, body })
    assert.ok(pushed.ok, `${pushed.status} ${await pushed.text()}`)

    const states = () => forge.received.map(({ body }) => body.state)
    await until('a green commit', () => states().includes('success'), patienceMs)
    // In line and running, of which each is pending, and then no other.
    assert.deepEqual([...new Set(states())], ['pending', 'success'])
    assert.equal(states().at(-1), 'success')
    for (const { path, headers, body } of forge.received) {
      assert.equal(path, `/repos/${name}/statuses/${sha}`)
      assert.equal(headers.authorization, 'Bearer status-token')
      assert.match(String(body.target_url), /^https:\/\/ci\.example\.org\/builds\//)
    }
  }

  async function addressOfHost(): Promise<string> {
    const { stdout } = await podman(['network', 'inspect', `${project}_default`])
    const [{ subnets }] = networks.parse(JSON.parse(stdout))
    return subnets[0].gateway
  }

  /** As a reader would, who finds the key there already. */
  async function setHostFile(line: string): Promise<void> {
    const [key = ''] = line.split(':')
    const path = join(checkout, 'config', 'compose', 'mayfly.yml')
    const before = await readFile(path, 'utf8')
    const after = before.replace(new RegExp(`^${key}:.*\n`, 'm'), () => line)
    assert.notEqual(after, before)
    await writeFile(path, after)
  }
}
