import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { EgressRecord } from './egress-record.ts'

/** Joins two connections until both ends are done; when one breaks, so does the other. Bytes go on the record. */
export function openTunnel({
  client,
  upstream,
  head,
  record,
}: {
  client: Duplex
  upstream: Socket
  /** What the client sent before it had its answer. */
  head: Buffer
  record: EgressRecord
}): void {
  const breakBoth = () => {
    client.destroy()
    upstream.destroy()
  }
  if (client.destroyed) {
    upstream.destroy()
    return
  }
  client.on('error', breakBoth)
  upstream.on('error', breakBoth)
  client.on('close', breakBoth)
  upstream.on('close', () => closeAfterWrites(client))
  client.on('data', (chunk: Buffer) => {
    record.bytesSent += chunk.length
  })
  upstream.on('data', (chunk: Buffer) => {
    record.bytesReceived += chunk.length
  })
  client.write('HTTP/1.1 200 Connection established\r\n\r\n')
  if (head.length > 0) {
    record.bytesSent += head.length
    upstream.write(head)
  }
  client.pipe(upstream)
  upstream.pipe(client)
}

/** The far end's last bytes may still be on their way to a slow client. */
function closeAfterWrites(client: Duplex): void {
  if (client.writableEnded && !client.writableFinished) client.once('finish', () => client.destroy())
  else client.destroy()
}
