import type { OpenedServer } from './open-server.ts'

type NextSteps = {
  readonly server: Pick<OpenedServer, 'url' | 'isOthers'>
  /** As the host file has it. */
  readonly port: number
  /** Where another than the usual one was asked for. */
  readonly dataFolder: string | undefined
  /** Path of the build's page, from its slash on. */
  readonly page: string
}

/** What to try after the first build, each line a command that works as it stands. */
export function nextSteps({ server, port, dataFolder, page }: NextSteps): string {
  const data = dataFolder === undefined ? '' : ` --data ${quoted(dataFolder)}`
  const usual = `http://127.0.0.1:${port}`
  const again = server.isOthers
    ? [[`npx mayfly builds --server ${server.url}`, 'what the server, which goes on, has built']]
    : [
        [
          `npx mayfly serve${data}`,
          `the server again; then ${port === 0 ? 'its ' : usual}${page} shows this build`,
        ],
      ]
  const to = server.isOthers && server.url !== usual ? ` --server ${server.url}` : ''
  const commands = [
    ...again,
    [
      `npx mayfly submit -f${to} config/examples/whole-machine.yml`,
      'with that server: what no container can',
    ],
    [
      `npx mayfly run${data} config/examples/build-from-source.yml`,
      'without a server: a real build, with an artifact',
    ],
    [`npx mayfly run${data} --console config/examples/hello.yml`, 'watch the machine boot'],
    ['npx mayfly doctor', 'what this computer has, and why KVM is used or not'],
  ]
  const gone = server.isOthers ? 'That machine is gone.' : 'That machine is gone, and the server has ended.'
  const lines = commands.map(([command = '', what]) => `  ${command}\n      ${what}\n`)
  return `\n${gone} Try next:\n${lines.join('')}`
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
