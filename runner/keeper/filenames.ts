import { join } from 'node:path'

/** In `memoryFolder`; `id` is a machine's. */
export const keepsakeFile = (folder: string, id: string): string => join(folder, `${id}.json`)
