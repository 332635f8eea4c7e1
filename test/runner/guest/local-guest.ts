import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { ServerChannel } from 'ssh2'
import { onTestFinished } from 'vitest'
import { guestPaths, stepFolder } from '../../../runner/guest/guest-paths.ts'
import { prepareScript } from '../../../runner/guest/prepare-script.ts'

export type LocalGuest = {
  readonly root: string
  readonly workdir: string
  /** Puts paths of the guest's, in a command or alone, where they lie on this computer. */
  map(text: string): string
  /** A command as the login user gives it over SSH; never rejects. */
  sh(
    command: string,
    input?: string,
  ): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }>
  /** The same for a command that comes over a channel: it runs, and is given its input once that is whole. */
  serve(command: string, channel: ServerChannel): void
  /** Whether anything runs on this computer with these words in its command line. */
  isRunning(word: string): Promise<boolean>
  /** Prepared by the real script. */
  prepare(env?: Readonly<Record<string, string>>): Promise<void>
  /** Puts a step's files where the runner puts them. */
  place(index: number, script: string, env?: string): Promise<void>
  /** Runs a step from a byte of its output on; `status` is the last word. */
  run(index: number, from?: number, shell?: string): Promise<{ output: string; status: string }>
}

/**
 * A guest without a machine: a folder of this computer in which the scripts meant for a guest really run, with the
 * guest's paths put below it and a `sudo` that only drops its `-n`. Gone after the test, its processes with it.
 */
export async function createLocalGuest(): Promise<LocalGuest> {
  const root = await mkdtemp(join(tmpdir(), 'mayfly-guest-'))
  const workdir = join(root, 'work dir')
  const places = {
    [guestPaths.jobFolder]: join(root, 'run'),
    [guestPaths.outputFolder]: join(root, 'output'),
    '/etc/': `${join(root, 'etc')}/`,
    // One second for what does not listen to TERM, not five.
    '$tries != 50': '$tries != 10',
  }
  const map = (text: string) =>
    Object.entries(places).reduce((mapped, [guest, here]) => mapped.replaceAll(guest, here), text)
  await mkdir(join(root, 'bin'))
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'bin/sudo'), '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n', { mode: 0o755 })
  onTestFinished(async () => {
    await killSteps(join(root, 'run'))
    await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })

  // Nothing of ours: where CI is set here, a step would find it there.
  const ownEnv = { env: { PATH: `${root}/bin:${process.env.PATH}`, HOME: root }, extendEnv: false }

  const sh: LocalGuest['sh'] = async (command, input = '') => {
    const running = execa('sh', ['-c', map(command)], {
      ...ownEnv,
      input,
      reject: false,
      stripFinalNewline: false,
    })
    const { exitCode, stdout, stderr } = await running
    return { exitCode, stdout, stderr }
  }

  const serve = async (command: string, channel: ServerChannel) => {
    const options = { ...ownEnv, reject: false, stripFinalNewline: false } as const
    const running = execa('sh', ['-c', map(command)], options)
    running.stdout.on('data', (chunk: Buffer) => channel.write(chunk))
    running.stderr.on('data', (chunk: Buffer) => channel.stderr.write(chunk))
    running.stdin.on('error', () => undefined)
    void inputOf(channel).then((input) => running.stdin.end(map(input)))
    const { exitCode } = await running
    channel.exit(exitCode ?? 255)
    channel.end()
  }

  return {
    root,
    workdir,
    map,
    sh,
    serve: (command, channel) => void serve(command, channel),
    isRunning: async (word) => (await execa('pgrep', ['-f', word], { reject: false })).exitCode === 0,
    async prepare(env = {}) {
      const script = prepareScript({ user: userInfo().username, workdir, env, proxyPort: undefined })
      const { exitCode, stderr } = await sh('sudo -n sh -s', map(script))
      if (exitCode !== 0) throw new Error(stderr)
    },
    async place(index, script, env = '') {
      const folder = map(stepFolder(index))
      await mkdir(folder)
      await writeFile(join(folder, 'script'), script)
      await chmod(join(folder, 'script'), 0o755)
      await writeFile(join(folder, 'env'), `${env}\n`)
    },
    async run(index, from = 0, shell = 'sh -e') {
      const { stdout, stderr } = await sh(`sh ${guestPaths.helper} run ${index} ${from} '${shell}'`)
      return { output: stdout, status: stderr.trimEnd().split('\n').at(-1) ?? '' }
    },
  }
}

function inputOf(channel: ServerChannel): Promise<string> {
  return new Promise((resolve) => {
    let input = ''
    channel.on('data', (chunk: Buffer) => {
      input += chunk
    })
    channel.once('end', () => resolve(input))
    // A connection that was cut has no end of input.
    channel.once('close', () => resolve(input))
  })
}

/** Each step is a session, and so a process group, of its own. */
async function killSteps(jobFolder: string): Promise<void> {
  for (const name of await readdir(jobFolder).catch(() => [])) {
    const pid = Number(await readFile(join(jobFolder, name, 'pid'), 'latin1').catch(() => 0))
    try {
      if (pid > 1) process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}
