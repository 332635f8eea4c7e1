import { bounds } from '../defaults.ts'
import type { Problem } from '../errors.ts'
import { nearest } from '../nearest.ts'
import type { YamlFile } from '../yaml/yaml-file.ts'
import { findCircles } from './find-circles.ts'

/**
 * What is wrong between the jobs of a file: a need that is no job, needs in a circle. Works on the plain data, so that
 * it speaks also when the schema found something.
 */
export const checkNeeds = (yaml: YamlFile): Problem[] => {
  const needs = needsOf(yaml.value)
  // The schema says that these are too many; comparing them all would take long.
  if (needs.size > bounds.jobs) return []
  const known = [...needs.keys()]
  const unknown = [...needs].flatMap(([job, names]) =>
    names.flatMap((need, index) => (needs.has(need) ? [] : [{ job, need, index }])),
  )
  const strangers = unknown.slice(0, bounds.problems).map(({ job, need, index }) => ({
    file: yaml.file,
    ...yaml.positionOf(['jobs', job, 'needs', index]),
    message: `jobs.${job}.needs: ${unknownJob(need, known)}`,
  }))
  const circles = findCircles(needs).map((circle) => ({
    file: yaml.file,
    ...yaml.positionOf(['jobs', circle[0] ?? '', 'needs']),
    message: `jobs.${circle[0]}.needs: jobs wait for each other in a circle: ${[...circle, circle[0]].join(' -> ')}`,
  }))
  return [...strangers, ...circles]
}

const unknownJob = (need: string, known: readonly string[]): string => {
  const meant = nearest(need, known)
  const guess = meant === undefined ? '' : ` Did you mean "${meant}"?`
  const listed =
    known.length > 20 ? `${known.slice(0, 20).join(', ')} and ${known.length - 20} more` : known.join(', ')
  return `expected the name of a job of this file (${listed}), found ${JSON.stringify(need.slice(0, 60))}.${guess}`
}

const needsOf = (value: unknown): Map<string, string[]> => {
  const jobs = isRecord(value) && isRecord(value.jobs) ? value.jobs : {}
  return new Map(Object.entries(jobs).map(([name, job]) => [name, isRecord(job) ? namesOf(job.needs) : []]))
}

const namesOf = (needs: unknown): string[] => {
  if (typeof needs === 'string') return [needs]
  return Array.isArray(needs) ? needs.filter((need) => typeof need === 'string') : []
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
