import { join } from 'node:path'

/** Every name inside a job's folder, `<data>/jobs/<id>/`, stands here and nowhere else. */
export const jobsFolder = (dataFolder: string): string => join(dataFolder, 'jobs')
export const jobFolderPath = (dataFolder: string, id: string): string => join(jobsFolder(dataFolder), id)

/** The job's record, written anew as a whole each time. */
export const recordName = 'record.json'
/** What a run of this computer was asked for, for whoever runs it again. */
export const orderName = 'order.json'
/** One job event a line, all but the bytes of log and console. */
export const timelineName = 'timeline.jsonl'
/** What the steps printed, and what the machine's console printed. */
export const logName = 'log'
export const consoleName = 'console'
/** How far what was heard of the machine lies on disk, while it runs. */
export const progressName = 'progress.jsonl'
export const artifactsName = 'artifacts'
/** Recordings of what maintainers did in its machine. */
export const debugName = 'debug'

/** Beside a log's bytes: where its lines start, and when its bytes came. */
export const lineIndexName = (name: string): string => `${name}.lines`
export const timeIndexName = (name: string): string => `${name}.times`
