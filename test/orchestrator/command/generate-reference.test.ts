import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { generateReference } from '../../../orchestrator/command/generate-reference.ts'
import { program } from '../../../orchestrator/command/program.ts'

describe('generateReference', () => {
  const page = generateReference(program())

  it('has a section for every command and a row for every argument and option', () => {
    const visit = (command: Command, path: string): void => {
      for (const sub of command.commands) {
        const subPath = `${path} ${sub.name()}`
        visit(sub, subPath)
        if (sub.commands.length > 0) continue
        const section = page.split(`\n## ${subPath}\n`)[1]?.split('\n## ')[0] ?? ''
        expect(section).toContain(`${subPath} ${sub.usage()}`)
        for (const argument of sub.registeredArguments)
          expect(section).toContain(`| \`${argument.name()}\` |`)
        for (const { flags } of sub.options) expect(section).toContain(`| \`${flags}\` |`)
      }
    }
    visit(program(), 'mayfly')
  })

  it('tells defaults, also those that only words can tell', () => {
    expect(page).toContain('| `file` | `.mayfly.yml` | Pipeline file')
    expect(page).toContain('| `image` | *required* |')
    expect(page).toContain('| $MAYFLY_CONFIG, else /etc/mayfly/mayfly.yml | Host file. |')
  })

  it('names every exit code', () => {
    for (const code of [0, 1, 2, 3, 130]) expect(page).toContain(`| \`${code}\` |`)
  })

  it('leaves hidden options out and keeps bars from breaking a table', () => {
    const run = new Command('run').description('run it').option('--on <a|b>', 'when | how')
    run.addOption(run.createOption('--inner', 'not for people').hideHelp())
    const small = generateReference(new Command('tool').addCommand(run))
    expect(small).toContain('| `--on <a\\|b>` |  | When \\| how. |')
    expect(small).not.toContain('--inner')
  })
})
