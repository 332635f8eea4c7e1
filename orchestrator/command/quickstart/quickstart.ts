import { setTimeout as sleep } from 'node:timers/promises'
import pc from 'picocolors'
import { formatDuration } from '../../../config/duration.ts'
import { loadPipeline } from '../../../config/pipeline/load-pipeline.ts'
import { type ApiClient, createApiClient } from '../../client/api-client.ts'
import { submitFolder } from '../../client/submit-folder.ts'
import { endStates } from '../../model/build.ts'
import { exitCodes } from '../exit-codes.ts'
import { followBuild } from '../server/follow-build.ts'
import type { ShownBuild } from '../server/print-build.ts'
import { verdictCode } from '../server/verdict-code.ts'
import { createImageLine } from '../view/image-line.ts'
import { isLive } from '../view/is-live.ts'
import { oneLine } from '../view/one-line.ts'
import { createStatusLine, type StatusLine } from '../view/status-line.ts'
import { nextSteps } from './next-steps.ts'
import { type OpenServer, openServer } from './open-server.ts'

export type Quickstart = OpenServer & {
  /** The pipeline file; its folder is what is submitted. */
  readonly file: string
  /** Absolute. */
  readonly directory: string
  /** The data folder, where a person named it; undefined for the usual one. */
  readonly named: string | undefined
  readonly out: NodeJS.WriteStream
  /** Ends the build, the machine and the server in good order. */
  readonly signal: AbortSignal
}

/**
 * A first build the whole way: image, server with its Redis, submission, queue, machine, log, verdict. Nothing runs on
 * when this settles, but a server that ran before. Gives the exit code.
 */
export async function quickstart(order: Quickstart): Promise<number> {
  const { out, signal, host } = order
  const live = isLive(out)
  const status = live ? createStatusLine(out, live) : plainLines(out)
  const say = (text: string) => {
    status.hide()
    out.write(`${text}\n`)
  }
  try {
    await getImages({ order, status, live, say })
    const { ended, server } = await throughServer({ order, status, say })
    const code = verdictCode(ended)
    if (code === 0) {
      const page = new URL(ended.url).pathname
      say(nextSteps({ server, port: host.listen.port, dataFolder: order.named, page }))
    }
    return code
  } catch (error) {
    if (!signal.aborted) throw error
    say(pc.yellow('interrupted: nothing runs on'))
    return exitCodes.interrupted
  } finally {
    status.hide()
  }
}

/** Where there is no terminal, what takes its time is a line of its own. */
function plainLines(out: NodeJS.WriteStream): StatusLine {
  return { show: (text) => void out.write(`  ${text}\n`), hide: () => undefined }
}

type Part = { order: Quickstart; status: StatusLine; say: (text: string) => void }

/** Here and not in the job, where nobody would see how far it is. */
async function getImages({ order, status, live, say }: Part & { live: boolean }): Promise<void> {
  const { file, shelf, host, signal, out } = order
  const { jobs } = await loadPipeline({ file })
  for (const name of new Set(jobs.map(({ image }) => image ?? host.defaultImage))) {
    const started = performance.now()
    const line = createImageLine(out, status, live)
    status.show(`looking for the image ${name}`)
    try {
      await shelf.ensure(name, { signal, onProgress: (progress) => line.update(progress) })
    } finally {
      line.end()
      status.hide()
    }
    say(phase('image', performance.now() - started, name))
  }
}

async function throughServer({ order, status, say }: Part) {
  const { env, signal } = order
  status.show('starting the server, with a Redis of its own')
  const started = performance.now()
  const server = await openServer(order)
  try {
    const which = server.isOthers ? `${server.url}, which runs already` : server.url
    say(phase('server', performance.now() - started, which))
    signal.throwIfAborted()
    const client = createApiClient({ server: server.url, token: env.MAYFLY_TOKEN || undefined })
    const build = await submitted({ order, client, status, say })
    const ended = await followed({ order, client, build, status, say })
    tell(ended, say)
    return { ended, server }
  } finally {
    if (!server.isOthers) status.show('ending the server')
    await server.close()
    status.hide()
  }
}

async function submitted({ order, client, status, say }: Part & { client: ApiClient }): Promise<ShownBuild> {
  const { file, directory, signal } = order
  status.show('submitting the folder')
  const started = performance.now()
  const build = await submitFolder({
    ...{ client, file, directory, signal, jobs: undefined, inputs: [], ref: 'refs/heads/main' },
    onNote: (note) => say(pc.dim(`  ${note}`)),
  })
  say(phase('submitted', performance.now() - started, `${build.repository}, build ${build.id}`))
  return build
}

type Followed = Part & { client: ApiClient; build: ShownBuild }

async function followed({ order, client, build, status, say }: Followed): Promise<ShownBuild> {
  const { signal, out } = order
  const { id } = build
  const write = (text: string) => void out.write(text)
  if (build.problem !== undefined) return build
  const seen = await followBuild({ client, id, signal, write, status })
  if (!signal.aborted) return seen
  say(pc.yellow('interrupted: ending the build (Ctrl-C again to leave at once)'))
  await cancelled(client, id)
  throw signal.reason
}

/** Time for a machine to be destroyed. ms */
const patience = 20_000

/** Cancelled, and not put back in line, so that the next start does not take it up again. */
async function cancelled(client: ApiClient, id: string): Promise<void> {
  await client.send('POST', `/builds/${id}/cancel`)
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
    const { state } = await client.get<ShownBuild>(`/builds/${id}`)
    if ((endStates as readonly string[]).includes(state)) return
  }
}

function tell({ state, started, ended, problem, jobs, url }: ShownBuild, say: Part['say']): void {
  const ms =
    started === undefined || ended === undefined ? undefined : Date.parse(ended) - Date.parse(started)
  const mark = state === 'passed' ? pc.green('✔') : pc.red('✘')
  say(`${mark} ${pc.bold(state)}${ms === undefined ? '' : ` in ${formatDuration(ms)}`}`)
  for (const line of problem?.split('\n') ?? []) say(`  ${oneLine(line)}`)
  for (const { name, reason, hint } of jobs) {
    if (reason !== undefined) say(`  ${oneLine(`${name}: ${reason}`)}`)
    if (hint !== undefined) say(pc.dim(`  hint: ${oneLine(hint)}`))
  }
  say(`  its page: ${url}`)
}

function phase(name: string, ms: number, what: string): string {
  return `${pc.dim('·')} ${name.padEnd(9)} ${formatDuration(ms).padStart(8)}${pc.dim(`  ${what}`)}`
}
