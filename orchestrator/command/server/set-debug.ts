import { ConfigError } from '../../../config/errors.ts'
import { type ClientOptions, openClient, printJson } from './client-options.ts'
import { readPublicKeys } from './read-public-keys.ts'

type Options = ClientOptions & {
  readonly key: readonly string[]
  readonly user: readonly string[]
  readonly refresh?: true
  readonly off?: true
}

type OptedIn = { readonly problems?: readonly string[] }

/** `mayfly repos debug`: opts a repository in, or out, and prints whose keys may enter. */
export async function setDebug(key: string, options: Options): Promise<void> {
  const path = `/debug/${encodeURIComponent(key)}`
  const client = openClient(options)
  if (options.off) return printJson(await client.send('DELETE', path))
  if (options.refresh) return show(await client.send<OptedIn>('POST', path))
  const keys = options.key.flatMap((file) => readPublicKeys(file === '-' ? 0 : file))
  if (keys.length + options.user.length === 0) {
    throw new ConfigError(
      'expected those who may enter, by their public keys or as users of the forge, found none',
      {
        hint: 'mayfly repos debug REPOSITORY --key ~/.ssh/id_ed25519.pub, or --user NAME',
      },
    )
  }
  show(await client.send<OptedIn>('PUT', path, { keys, users: options.user }))
}

function show(optedIn: OptedIn): void {
  const { problems = [], ...rest } = optedIn
  for (const problem of problems) process.stderr.write(`not usable: ${problem}\n`)
  printJson(rest)
}
