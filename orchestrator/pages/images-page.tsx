import { formatDuration } from '../../config/duration.ts'
import { formatSize } from '../../config/size.ts'
import type { ListedImage } from '../../images/shelf/list-images.ts'
import { Layout } from './layout.tsx'

/** The shelf of the host that answers. */
export function ImagesPage({ images }: { images: readonly ListedImage[] }) {
  return (
    <Layout title="Images">
      <h1>Images</h1>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Size</th>
            <th scope="col">Digest</th>
            <th scope="col">Age</th>
          </tr>
        </thead>
        <tbody>
          {images.map(({ name, present, problem, size, digest, age }) => (
            <tr>
              <td>{name}</td>
              <td>{problem ?? (present ? 'here' : 'absent')}</td>
              <td>{size === undefined ? '' : formatSize(size)}</td>
              <td>
                <code>{digest?.slice(7, 19) ?? ''}</code>
              </td>
              <td>{age === undefined ? '' : formatDuration(age)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Layout>
  )
}
