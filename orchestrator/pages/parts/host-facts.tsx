import { formatSize } from '../../../config/size.ts'
import type { Held, HostStatus } from '../../model/queue-view.ts'

/** What a host said of itself beside its room; nothing for one that said nothing, as those of earlier versions do. */
export function HostFacts({ host }: { host: HostStatus }) {
  const { labels, accel, qemu, version, disk, holds } = host
  if (version === undefined) return null
  return (
    <>
      <p>
        Labels: {labels?.join(', ') || 'none'}. Mayfly {version}, QEMU {qemu ?? 'not found'},{' '}
        {accel === undefined ? 'acceleration not known' : `${accel.kind} (${accel.reason})`}
        {disk === undefined ? null : `, ${formatSize(disk.free)} of ${formatSize(disk.total)} disk free`}.
      </p>
      {holds === undefined ? null : (
        <details>
          <summary>
            {count(holds.images, 'image')}, {count(holds.templates, 'template')},{' '}
            {count(holds.checkpoints, 'checkpoint')}
          </summary>
          <ul>
            {holds.images.items.map(({ name, digest }) => (
              <li>
                image {name} <code>{digest.slice(0, 19)}</code>
              </li>
            ))}
            {holds.templates.items.map(({ key, image }) => (
              <li>
                template <code>{key}</code> of {image}
              </li>
            ))}
            {holds.checkpoints.items.map(({ key, image }) => (
              <li>
                checkpoint <code>{key}</code> of {image}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

function count({ items, more }: Held<unknown>, what: string): string {
  const all = items.length + more
  return `${all} ${all === 1 ? what : `${what}s`}`
}
