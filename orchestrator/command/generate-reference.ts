import type { Argument, Command, Option } from 'commander'
import { exitCodes } from './exit-codes.ts'

/**
 * `docs/command.md`: every command with its arguments, options and their defaults, read from the commands themselves,
 * so that the page and `--help` cannot differ.
 */
export function generateReference(mayfly: Command): string {
  const blocks = [notice, introduction(mayfly), exitCodeTable(), ...sections(mayfly, mayfly.name())]
  return `${blocks.join('\n\n')}\n`
}

const notice =
  '<!-- Generated from the commands in orchestrator/command/ by `npm run generate`. Do not edit. -->'

function introduction(mayfly: Command): string {
  const name = mayfly.name()
  return [
    `# The ${name} command`,
    `In a checkout, \`npx ${name}\` is the command; \`npm run build\` makes it. Every command has \`--help\`; \`${name} --version\` prints the version. Results go to standard output, errors and the progress of \`${name} images\` to standard error. Colours follow the terminal and \`NO_COLOR\`.`,
  ].join('\n\n')
}

function exitCodeTable(): string {
  const rows = Object.entries(exitCodes).map(([name, code]) => [
    `\`${code}\``,
    meanings[name as keyof typeof exitCodes],
  ])
  return `## Exit codes\n\n${table(['code', 'meaning'], rows)}`
}

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  passed: 'All jobs passed, or the command did what it was asked to.',
  failed: 'A step said no, or a time limit of the pipeline file was reached.',
  usage: 'A flag, the pipeline file or the host file is wrong, or a job asks for what cannot be had.',
  infrastructure:
    'Mayfly, the machine or this host failed: the same job may pass another time. Of `doctor`: something is missing.',
  interrupted: 'Ctrl-C, or SIGTERM or SIGHUP. The machine is gone.',
}

/** One section for each command that does something, in the order of `--help`; a group lends its name only. */
function sections(command: Command, path: string): string[] {
  return command.commands.flatMap((sub) => {
    const subPath = `${path} ${sub.name()}`
    return sub.commands.length > 0 ? sections(sub, subPath) : [section(sub, subPath)]
  })
}

function section(command: Command, path: string): string {
  const blocks = [
    `## ${path}`,
    sentence(command.description()),
    `\`\`\`sh\n${path} ${command.usage()}\n\`\`\``,
    argumentTable(command.registeredArguments),
    optionTable(command.options.filter((option) => !option.hidden)),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function argumentTable(args: readonly Argument[]): string {
  const rows = args.map((argument) => {
    const [fallback, meaning] = defaultAndMeaning(argument)
    return [`\`${argument.name()}\``, argument.required ? '*required*' : fallback, meaning]
  })
  return rows.length === 0 ? '' : table(['argument', 'default', 'meaning'], rows)
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map((option) => [`\`${option.flags}\``, ...defaultAndMeaning(option)])
  return rows.length === 0 ? '' : table(['option', 'default', 'meaning'], rows)
}

type Described = { readonly description: string; readonly defaultValue?: unknown }

/** A default that depends on the host stands in the description, in brackets at its end. */
function defaultAndMeaning({ description, defaultValue }: Described): [string, string] {
  const [, meaning = description, inWords = ''] = /^(.*) \(default: (.*)\)$/s.exec(description) ?? []
  const isNothing = defaultValue === undefined || (Array.isArray(defaultValue) && defaultValue.length === 0)
  return [isNothing ? inWords : `\`${String(defaultValue)}\``, sentence(meaning)]
}

function sentence(text: string): string {
  if (text === '') return ''
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map(
      (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
    )
    .join('\n')
}
