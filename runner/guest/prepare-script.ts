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
 * It arrives over standard input, so that no secret value is ever on a command line.
 */
export function prepareScript({ user, workdir, env, proxyPort }: PrepareScript): string {
  const owner = shellQuote(user)
  const stepEnv = { ...proxyEnv(proxyPort), ...env }
  const lines = [
    'set -eu',
    `for folder in ${guestPaths.jobFolder} ${guestPaths.outputFolder} ${shellQuote(workdir)}; do`,
    `  mkdir -p "$folder"; chown ${owner}: "$folder"`,
    'done',
    `chmod 700 ${guestPaths.jobFolder} ${guestPaths.outputFolder}`,
    heredoc(guestPaths.env, exportLines({ ...baseEnv, ...stepEnv })),
    heredoc(guestPaths.helper, stepHelper(workdir)),
    `: >${guestPaths.envFile}`,
    `chmod 600 ${guestPaths.env} ${guestPaths.envFile}; chmod 700 ${guestPaths.helper}`,
    `chown ${owner}: ${guestPaths.env} ${guestPaths.envFile} ${guestPaths.helper}`,
    ...(proxyPort === undefined ? [] : proxyLines(proxyPort)),
  ]
  return `${lines.join('\n')}\n`
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
  return [
    `if [ -d /etc/apt/apt.conf.d ]; then echo 'Acquire::http::Proxy "http://127.0.0.1:${port}"; Acquire::https::Proxy "http://127.0.0.1:${port}";' >/etc/apt/apt.conf.d/95mayfly-proxy; fi`,
    `if [ -f /etc/dnf/dnf.conf ]; then echo 'proxy=http://127.0.0.1:${port}' >>/etc/dnf/dnf.conf; fi`,
    `if [ -d /etc/sudoers.d ]; then (umask 227; echo 'Defaults env_keep += "${keep}"' >/etc/sudoers.d/mayfly-proxy); fi`,
    `printf '[http]\\n\\tproxy = http://127.0.0.1:${port}\\n' >>/etc/gitconfig`,
  ]
}

// The end mark cannot be in the text by chance, nor by a value that was chosen to hold it.
function heredoc(path: string, text: string): string {
  let mark = 'END_OF_FILE'
  while (text.includes(mark)) mark += '_'
  return `(umask 077; cat >${path} <<'${mark}'\n${text}\n${mark}\n)`
}
