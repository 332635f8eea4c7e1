import { Command } from 'commander'
import { jobDefaults } from '../../config/defaults.ts'
import { ConfigError } from '../../config/errors.ts'
import { loadPipeline } from '../../config/pipeline/load-pipeline.ts'

/** `mayfly validate FILE`: every problem of a pipeline file at once, as an editor wants them. */
export function validateCommand(): Command {
  return new Command('validate')
    .description('check a pipeline file: file:line:column, what was expected, what was found')
    .argument('[file]', 'pipeline file', jobDefaults.file)
    .option('--json', 'print the problems as JSON')
    .action(validate)
}

async function validate(file: string, { json }: { json?: true }): Promise<void> {
  try {
    const { jobs } = await loadPipeline({ file })
    const steps = jobs.reduce((sum, job) => sum + job.steps.length, 0)
    if (json) print({ file, valid: true, problems: [], jobs: jobs.map(({ name }) => name) })
    else process.stdout.write(`${file}: valid, ${count(jobs.length, 'job')}, ${count(steps, 'step')}\n`)
  } catch (error) {
    if (json && error instanceof ConfigError) print({ file, valid: false, problems: error.problems })
    throw error
  }
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
