import { formed } from './text.ts'

const what = 'the name of an image, such as debian-12-local (lower-case letters, digits, dots and dashes)'

/** Name of an image; also a file name on the shelf. */
export const imageName = () => formed(/^[a-z0-9][a-z0-9._-]{0,62}$/, what).meta({ title: 'image name' })

/** The image of a job: a name, or one that values of the job's matrix complete. */
export const jobImageName = () =>
  formed(/^(?:[a-z0-9]|\$\{matrix\.\w{1,255}\})(?:[a-z0-9._-]|\$\{matrix\.\w{1,255}\}){0,62}$/, what).meta({
    title: 'image name',
  })
