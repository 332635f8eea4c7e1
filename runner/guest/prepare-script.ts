import { exportLines } from './export-lines.ts'
import { guestPaths } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'
import { stepHelper } from './step-helper.ts'

export type PrepareScript = {
  readonly user: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  /** Port on the guest's loopback where the egress proxy listens; undefined where there is no way out. */
  readonly proxyPort: number | undefined
}

/**
 * The shell script, run once as root over SSH, that makes the folders of a job, its environment and its way out.
 * It arrives over standard input, so that no secret value is ever on a command line. Built-ins where that is possible:
 * under emulation each program that is started costs some 50 ms of the job's start.
 */
export function prepareScript({ user, workdir, env, proxyPort }: PrepareScript): string {
  const owner = shellQuote(user)
  const folder = shellQuote(workdir)
  const lines = [
    'set -eu',
    `mkdir -p ${folder}; mkdir -p -m 700 ${guestPaths.jobFolder} ${guestPaths.outputFolder}`,
    'umask 077',
    `printf %s ${shellQuote(environmentFile({ env, proxyPort }))} >${guestPaths.env}`,
    `printf '%s\\n' ${shellQuote(stepHelper(workdir))} >${guestPaths.helper}`,
    // What a setup left in it is for the steps of every job that starts after that setup.
    `: >>${guestPaths.envFile}`,
    `chown ${owner}: ${folder} ${guestPaths.jobFolder} ${guestPaths.outputFolder} ${guestPaths.env} ${guestPaths.envFile} ${guestPaths.helper}`,
    'umask 022',
    ...(proxyPort === undefined ? [] : proxyLines(proxyPort)),
  ]
  return `${lines.join('\n')}\n`
}

/** What the file holds that every step reads first. */
export function environmentFile({ env, proxyPort }: Pick<PrepareScript, 'env' | 'proxyPort'>): string {
  return `${exportLines({ ...baseEnv, ...proxyEnv(proxyPort), ...env })}\n`
}

const baseEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

function proxyEnv(port: number | undefined): Record<string, string> {
  if (port === undefined) return {}
  const url = `http://127.0.0.1:${port}`
  const none = 'localhost,127.0.0.1,::1'
  return {
    http_proxy: url,
    https_proxy: url,
    no_proxy: none,
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    NO_PROXY: none,
  }
}

// apt is mostly run through sudo, which drops the environment unless it is told to keep it.
function proxyLines(port: number): string[] {
  const keep = 'http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY'
  const told = `${guestPaths.jobFolder}/proxy-${port}`
  return [
    // A machine that starts from a checkpoint was told before.
    `[ -e ${told} ] && exit`,
    `: >${told}`,
    `if [ -d /etc/apt/apt.conf.d ]; then echo 'Acquire::http::Proxy "http://127.0.0.1:${port}"; Acquire::https::Proxy "http://127.0.0.1:${port}";' >/etc/apt/apt.conf.d/95mayfly-proxy; fi`,
    `if [ -f /etc/dnf/dnf.conf ]; then echo 'proxy=http://127.0.0.1:${port}' >>/etc/dnf/dnf.conf; fi`,
    `if [ -d /etc/sudoers.d ]; then umask 227; echo 'Defaults env_keep += "${keep}"' >/etc/sudoers.d/mayfly-proxy; umask 022; fi`,
    `printf '[http]\\n\\tproxy = http://127.0.0.1:${port}\\n' >>/etc/gitconfig`,
  ]
}
