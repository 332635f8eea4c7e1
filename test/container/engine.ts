import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../images/package-root.ts'

/** What `podman`, `buildah` and `docker-compose` of Debian's packages do, on containers and images of this test alone. */
export type Engine = {
  readonly podman: (args: readonly string[], patient?: { reject: boolean }) => Promise<Ran>
  readonly buildah: (args: readonly string[]) => Promise<Ran>
  readonly compose: (args: readonly string[]) => Promise<Ran>
  /** Does lines of a page in the checkout, where `docker` stands for the programs above. */
  readonly shell: (lines: string, variables?: Readonly<Record<string, string>>) => Promise<Ran>
  /** Absolute path of what compose needs of a checkout, for this test to change. */
  readonly checkout: string
  /** Takes down what `compose` brought up. */
  readonly down: (options?: readonly string[]) => Promise<void>
  /** Ends and removes all that was made. */
  readonly close: () => Promise<void>
}

export type Ran = { readonly stdout: string; readonly stderr: string; readonly exitCode?: number }

/** Prefix of the names of what compose makes. */
export const project = 'mayfly-container-test'

const limits = ['nofile=1024:1024', 'nproc=4096:4096']
const longest = 45 * 60_000

/** No engine but podman is here: what was built with buildah is not built again, and nobody is at a terminal. */
const docker = (podman: string) => `#!/bin/sh
set -eu
program=$1
shift
case $program in
  run) exec ${podman} run "$@" ;;
  compose) ;;
  *) exit 1 ;;
esac
command=$1
shift
case $command in
  up) set -- --no-build "$@" ;;
  exec) set -- -T "$@" ;;
esac
# It would call this one for some of them.
PATH=${process.env.PATH} exec docker-compose "$command" "$@"
`

/**
 * @param storage folder whose images and build cache are used and kept; without, all of it is made and removed
 * @param port that the web server is published on
 */
export async function startEngine(storage: string | undefined, port: number): Promise<Engine> {
  // The paths of sockets in it have to be short.
  const folder = await mkdtemp('/tmp/mayfly-container-')
  const root = storage ?? join(folder, 'storage')
  await mkdir(root, { recursive: true })
  const conf = join(folder, 'containers.conf')
  await writeFile(
    conf,
    `[containers]\ndefault_ulimits = ${JSON.stringify(limits)}\n[engine]\nruntime = "runc"\n`,
  )
  const socket = `unix://${folder}/podman.sock`
  const checkout = join(folder, 'checkout')
  for (const part of ['docker-compose.yml', 'config/compose'])
    await cp(join(packageRoot(), part), join(checkout, part), { recursive: true })
  const env = {
    ...{ CONTAINERS_CONF: conf, DOCKER_HOST: socket, COMPOSE_PROJECT_NAME: project },
    ...{ COMPOSE_HTTP_TIMEOUT: '1800', MAYFLY_PORT: String(port) },
  }
  const place = ['--root', root, ...(storage === undefined ? ['--runroot', join(folder, 'run')] : [])]
  const run =
    (program: string, cwd = packageRoot()) =>
    async (args: readonly string[], { reject } = { reject: true }) =>
      await execa(program, args, { cwd, env, timeout: longest, reject })
  const podman = (args: readonly string[], patient?: { reject: boolean }) =>
    run('podman')([...place, ...args], patient)
  const service = spawn('podman', [...place, 'system', 'service', '--time', '0', socket], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  })
  const compose = run('docker-compose', checkout)
  await writeFile(join(folder, 'docker'), docker(['podman', ...place].join(' ')), { mode: 0o755 })
  const path = `${folder}:${process.env.PATH}`
  // Podman keeps a container that others share the processes of, and compose removes all at once: the rest goes next.
  const down = async (options: readonly string[] = []) => {
    await compose(['down', ...options], { reject: false })
    await compose(['down', ...options])
  }
  const health = watchHealth(podman)
  return {
    podman,
    buildah: (args) => run('buildah')([...place, ...args]),
    compose,
    shell: async (lines, variables = {}) =>
      await execa('bash', ['-euo', 'pipefail', '-c', lines], {
        ...{ cwd: checkout, timeout: longest },
        env: { ...env, PATH: path, ...variables },
      }),
    checkout,
    down,
    close: async () => {
      await health.stop()
      await down(['--volumes', '--remove-orphans'])
      if (storage === undefined) {
        await podman(['rm', '--all', '--force'], { reject: false })
        await podman(['rmi', '--all', '--force'], { reject: false })
      }
      const ended = once(service, 'exit')
      service.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Podman leaves the clock of health checks to systemd, which is not everywhere. */
function watchHealth(podman: Engine['podman']): { stop(): Promise<void> } {
  let isStopped = false
  const looking = look()
  return {
    stop: async () => {
      isStopped = true
      await looking
    },
  }

  async function look(): Promise<void> {
    while (!isStopped) {
      const { stdout } = await podman(['ps', '--format', '{{.Names}}'], { reject: false })
      for (const name of stdout.split('\n').filter((name) => /_(?:redis|web|worker)_/.test(name)))
        if (!isStopped) await podman(['healthcheck', 'run', name], { reject: false })
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
  }
}
