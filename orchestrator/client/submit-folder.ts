import { realpath } from 'node:fs/promises'
import { basename, extname, isAbsolute, relative, sep } from 'node:path'
import type { z } from 'zod'
import { loadPipeline } from '../../config/pipeline/load-pipeline.ts'
import { readTextFile } from '../../config/yaml/read-text-file.ts'
import type { buildWithJobsSchema } from '../http/schemas/build-schemas.ts'
import type { submissionLimitsSchema } from '../http/schemas/submission-schemas.ts'
import type { ApiClient } from './api-client.ts'
import { packFolder } from './pack-folder.ts'

export type SubmittedBuild = z.output<typeof buildWithJobsSchema>

export type SubmitFolder = {
  readonly client: ApiClient
  /** The pipeline file, as a person wrote it: messages name it so. */
  readonly file: string
  /** What is sent; undefined for the file alone. */
  readonly directory: string | undefined
  /** Full name of the branch that the job finds itself on. */
  readonly ref: string
  /** Only these jobs; undefined for all. */
  readonly jobs: readonly string[] | undefined
  /** `key=value` */
  readonly inputs: readonly string[]
  readonly signal: AbortSignal
  /** What was left out and why, in words. */
  readonly onNote: (note: string) => void
}

/**
 * Sends a folder to a server, which starts a build of it. The pipeline file is read here first: a mistake in it is
 * told before anything is sent. What the server alone can know comes back in the build's `problem`.
 * @throws ConfigError for what is wrong here and for what the server refuses, InfraError where it is not there
 */
export async function submitFolder(order: SubmitFolder): Promise<SubmittedBuild> {
  const { client, file, ref, jobs, inputs, signal, onNote } = order
  await loadPipeline({ file })
  const { bytes } = await client.get<z.output<typeof submissionLimitsSchema>>('/submissions/limits')
  const { directory, path, isInside, name } = await place(order)
  const packed = await packFolder({
    directory,
    always: isInside ? path : undefined,
    extra: isInside ? undefined : { path, content: await readTextFile({ file, what: 'the pipeline file' }) },
    ...{ ref, bytes, signal },
    title: `${path}, submitted from the folder ${name}`,
    author: process.env.USER || process.env.LOGNAME || 'somebody',
  })
  try {
    for (const note of packed.notes) onNote(note)
    const query = new URLSearchParams({ name, file: path })
    for (const job of jobs ?? []) query.append('job', job)
    for (const input of inputs) query.append('input', input)
    const bundle = { path: packed.file, size: packed.size, type: 'application/x-git-bundle' }
    const build = await client.upload<SubmittedBuild>(`/submissions?${query}`, bundle, signal)
    return { ...build, ...asWritten(build.problem, path, file) }
  } finally {
    await packed.remove()
  }
}

/** Where the pipeline file lies in what is sent: in the folder, or beside everything else of it. */
async function place({ file, directory }: Pick<SubmitFolder, 'file' | 'directory'>) {
  const real = await realpath(file)
  if (directory === undefined) {
    return { directory, path: basename(real), isInside: false, name: basename(real, extname(real)) }
  }
  const folder = await realpath(directory)
  const within = relative(folder, real)
  const isInside = !isAbsolute(within) && within !== '..' && !within.startsWith(`..${sep}`)
  return {
    directory: folder,
    path: isInside ? within : basename(real),
    isInside,
    name: basename(folder) || 'root',
  }
}

/** The server names the file by its path in the folder; an editor here wants it as it was written. */
function asWritten(problem: string | undefined, path: string, file: string) {
  if (problem === undefined) return {}
  const lines = problem.split('\n')
  const named = lines.map((line) =>
    line.startsWith(`${path}:`) ? `${file}${line.slice(path.length)}` : line,
  )
  return { problem: named.join('\n') }
}
