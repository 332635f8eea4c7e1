import type { z } from 'zod'
import type { buildWithJobsSchema } from '../../http/schemas/build-schemas.ts'
import { oneLine } from '../view/one-line.ts'
import { type ClientOptions, printJson } from './client-options.ts'

export type ShownBuild = z.output<typeof buildWithJobsSchema>

/** A build and its jobs, for people or as JSON. */
export function printBuild(build: ShownBuild, { json }: Pick<ClientOptions, 'json'>): void {
  if (json) {
    printJson(build)
    return
  }
  const below = [
    ...(build.problem ?? '').split('\n').filter((line) => line !== ''),
    ...build.jobs.map(
      (job) =>
        `${job.id}: ${job.state}${job.reason === undefined ? '' : `, ${job.reason}`}${job.waiting === undefined ? '' : ` (${job.waiting})`}`,
    ),
    build.url,
  ]
  const where = build.branch ?? build.tag ?? build.ref
  const head = `build ${build.id}: ${build.state}, ${build.repository} ${build.sha.slice(0, 12)} on ${where}`
  process.stdout.write(`${[oneLine(head), ...below.map((line) => `  ${oneLine(line)}`)].join('\n')}\n`)
}
