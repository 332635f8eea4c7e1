import { text } from './text.ts'

/**
 * A path or glob below the job's working directory. What leaves it is refused here; links in the guest that do are
 * refused when the files are fetched.
 */
export const relativePath = () =>
  text('a path or glob')
    .refine(staysInside, {
      error:
        'expected a path or glob below the working directory, such as "build/*.tar.gz", without a leading / and ".."',
    })
    .meta({ title: 'path or glob' })

function staysInside(path: string): boolean {
  return path.trim() !== '' && !path.startsWith('/') && !path.split(/[/{},]/).includes('..')
}
