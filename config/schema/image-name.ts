import { formed } from './text.ts'

/** Name of an image; also a file name on the shelf. */
export const imageName = () =>
  formed(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'the name of an image, such as debian-12-local (lower-case letters, digits, dots and dashes)',
  ).meta({ title: 'image name' })
