import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigError } from '../../../config/errors.ts'
import { formatTable } from '../view/format-table.ts'
import { type ClientOptions, openClient, printJson, withClientOptions } from './client-options.ts'
import { setDebug } from './set-debug.ts'

type Listed = { readonly items: readonly Record<string, unknown>[] }

/** The commands that set a server up: repos, tokens, secrets. */
export function adminCommands(): Command[] {
  return [reposCommand(), tokensCommand(), secretsCommand()]
}

function reposCommand(): Command {
  const repos = new Command('repos').description('the repositories that may start builds')
  repos.addCommand(
    withClientOptions(new Command('ls').description('list them')).action(async (options: ClientOptions) => {
      const found = await openClient(options).get<Listed>('/repositories')
      if (options.json) return printJson(found)
      const rows = found.items.map(({ forge, name, cloneUrl, from }) => [
        `${forge}:${name}`,
        String(cloneUrl),
        String(from),
      ])
      process.stdout.write(formatTable(['REPOSITORY', 'CLONE URL', 'FROM'], rows))
    }),
  )
  repos.addCommand(
    withClientOptions(
      new Command('add').description('register a repository; prints the secret of its webhook'),
    )
      .argument('<repository>', 'forge:owner/name')
      .requiredOption('--clone-url <url>', 'where it is fetched from, without credentials')
      .option('--api-url <url>', "base of the forge's API, for one that you host")
      .option('--branch <name>', 'its default branch', 'main')
      .option('--webhook-secret <secret>', 'made where none is given')
      .option('--status-token <token>', 'token with which statuses are written')
      .option('--clone-token <token>', 'token with which it is fetched')
      .option('--notify <url>', notifyHelp, collect, [])
      .action(addRepository),
  )
  repos.addCommand(
    withClientOptions(new Command('set').description('change what is given of a repository'))
      .argument('<repository>', 'forge:owner/name')
      .option('--clone-url <url>', 'where it is fetched from, without credentials')
      .option('--api-url <url>', "base of the forge's API")
      .option('--branch <name>', 'its default branch')
      .option('--notify <url>', `${notifyHelp}; takes the place of all that were named before`, collect)
      .option('--no-notify', 'notify nobody any more')
      .action(setRepository),
  )
  repos.addCommand(
    withClientOptions(
      new Command('debug').description(
        'let maintainers into the machines of its failed jobs, or nobody any more',
      ),
    )
      .argument('<repository>', 'forge:owner/name')
      .option(
        '--key <file>',
        'file of public keys, one a line, `-` for standard input; once for each',
        collect,
        [],
      )
      .option('--user <name>', 'user of its forge, whose keys are read there; once for each', collect, [])
      .option('--refresh', 'read the keys of its users anew now')
      .option('--off', 'nobody any more')
      .action(setDebug),
  )
  repos.addCommand(
    withClientOptions(new Command('rm').description('forget a repository and its secrets'))
      .argument('<repository>')
      .action(async (key: string, options: ClientOptions) => {
        printJson(await openClient(options).send('DELETE', `/repositories/${encodeURIComponent(key)}`))
      }),
  )
  return repos
}

type AddRepository = ClientOptions & {
  cloneUrl: string
  apiUrl?: string
  branch: string
  webhookSecret?: string
  statusToken?: string
  cloneToken?: string
  notify: string[]
}

async function addRepository(key: string, options: AddRepository): Promise<void> {
  const { cloneUrl, apiUrl, branch, webhookSecret: webhook, statusToken: token, cloneToken: clone } = options
  const colon = key.indexOf(':')
  if (colon < 1) throw new ConfigError(`expected forge:owner/name, got ${key}`)
  const asked = {
    forge: key.slice(0, colon),
    name: key.slice(colon + 1),
    cloneUrl,
    apiUrl,
    defaultBranch: branch,
    notify: options.notify.map(notifyTarget),
  }
  const added = await openClient(options).send<Registered & { webhookUrl: string }>('POST', '/repositories', {
    ...asked,
    secrets: { webhook, token, clone },
  })
  if (options.json) return printJson(added)
  process.stdout.write(
    `${key} is registered. Let the forge call ${added.webhookUrl} on pushes and pull requests.\n`,
  )
  sayOnce(added)
}

type Registered = { readonly webhookSecret?: string; readonly notificationSecret?: string }

function sayOnce({ webhookSecret, notificationSecret }: Registered): void {
  if (webhookSecret !== undefined)
    process.stdout.write(`Its webhook secret, shown this once: ${webhookSecret}\n`)
  if (notificationSecret !== undefined)
    process.stdout.write(`The secret that signs its notifications, shown this once: ${notificationSecret}\n`)
}

type SetRepository = ClientOptions & {
  cloneUrl?: string
  apiUrl?: string
  branch?: string
  /** False for `--no-notify`. */
  notify?: string[] | false
}

async function setRepository(key: string, options: SetRepository): Promise<void> {
  const { cloneUrl, apiUrl, branch: defaultBranch, notify } = options
  const targets = notify === false ? [] : notify?.map(notifyTarget)
  const change = { cloneUrl, apiUrl, defaultBranch, notify: targets }
  const path = `/repositories/${encodeURIComponent(key)}`
  const changed = await openClient(options).send<Registered>('PATCH', path, change)
  if (options.json) return printJson(changed)
  process.stdout.write(`${key} is changed.\n`)
  sayOnce(changed)
}

const notifyHelp = 'post builds to this URL, as URL or EVENT,EVENT=URL (started, ended, failed, ...)'

/** `https://…` for every verdict, `failed,errored=https://…` for these. */
function notifyTarget(text: string): { url: string; on?: string[] } {
  const events = /^([a-z,-]+)=(.*)$/s.exec(text)
  if (events === null) return { url: text }
  return { on: (events[1] ?? '').split(','), url: events[2] ?? '' }
}

function tokensCommand(): Command {
  const tokens = new Command('tokens').description('tokens of the API: made, listed, revoked')
  tokens.addCommand(
    withClientOptions(new Command('ls').description('list them')).action(async (options: ClientOptions) => {
      const found = await openClient(options).get<Listed>('/tokens')
      if (options.json) return printJson(found)
      const rows = found.items.map(({ id, name, scopes, expires, lastUsed }) => [
        ...[String(id), String(name), (scopes as string[]).join(',')],
        ...[String(expires ?? 'never'), String(lastUsed ?? 'never')],
      ])
      process.stdout.write(formatTable(['TOKEN', 'NAME', 'SCOPES', 'EXPIRES', 'LAST USED'], rows))
    }),
  )
  tokens.addCommand(
    withClientOptions(new Command('make').description('make a token and print it, this once'))
      .argument('<name>')
      .option('--scope <scope>', 'read, submit, debug or admin; more than one may be given', collect, [])
      .option('--expires <date>', 'ISO 8601')
      .action(async (name: string, options: ClientOptions & { scope: string[]; expires?: string }) => {
        const scopes = options.scope.length === 0 ? ['read'] : options.scope
        const made = await openClient(options).send<{ text: string }>('POST', '/tokens', {
          name,
          scopes,
          expires: options.expires,
        })
        if (options.json) return printJson(made)
        process.stdout.write(`${made.text}\n`)
      }),
  )
  tokens.addCommand(
    withClientOptions(new Command('revoke').description('revoke a token'))
      .argument('<token>', 'its id')
      .action(async (id: string, options: ClientOptions) => {
        printJson(await openClient(options).send('DELETE', `/tokens/${encodeURIComponent(id)}`))
      }),
  )
  return tokens
}

function secretsCommand(): Command {
  const secrets = new Command('secrets').description(
    'secrets of a repository, or of the host for all of them',
  )
  const scoped = (name: string, description: string) =>
    withClientOptions(new Command(name).description(description)).option(
      '--repository <key>',
      'forge:owner/name; without it, of the host',
    )
  secrets.addCommand(
    scoped('ls', 'list their names').action(async (options: ClientOptions & { repository?: string }) => {
      const found = await openClient(options).get<{ items: string[] }>(`/secrets/${scopeOf(options)}`)
      if (options.json) return printJson(found)
      process.stdout.write(found.items.map((name) => `${name}\n`).join(''))
    }),
  )
  secrets.addCommand(
    scoped('set', 'set one; its value is read from standard input')
      .argument('<name>')
      .action(async (name: string, options: ClientOptions & { repository?: string }) => {
        // Not an argument: those are in everybody's process list and in the shell's history.
        const value = readFileSync(0, 'utf8').replace(/\n$/, '')
        printJson(
          await openClient(options).send('PUT', `/secrets/${scopeOf(options)}/${encodeURIComponent(name)}`, {
            value,
          }),
        )
      }),
  )
  secrets.addCommand(
    scoped('rm', 'remove one')
      .argument('<name>')
      .action(async (name: string, options: ClientOptions & { repository?: string }) => {
        printJson(
          await openClient(options).send(
            'DELETE',
            `/secrets/${scopeOf(options)}/${encodeURIComponent(name)}`,
          ),
        )
      }),
  )
  return secrets
}

function scopeOf({ repository }: { repository?: string }): string {
  return encodeURIComponent(repository ?? 'host')
}

function collect(value: string, values: string[] = []): string[] {
  return [...values, value]
}
