import { readFile } from 'node:fs/promises'

/** Bytes of frames, with the headers of IP and Ethernet. */
export type OwnTraffic = { readonly netSent: number; readonly netReceived: number }

/**
 * What went out and came in by the `way-out` of a process's own network, with its questions for names and without those
 * who came in from this host. Undefined where the process is gone, or has no such network (yet). proc_pid_net(5).
 */
export async function readOwnTraffic(pid: number): Promise<OwnTraffic | undefined> {
  const text = await readFile(`/proc/${pid}/net/dev`, 'latin1').catch(() => '')
  const counters = /^ *way-out:(.*)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number)
  const [received, sent] = [counters?.[0], counters?.[8]]
  if (received === undefined || sent === undefined) return undefined
  return { netSent: sent, netReceived: received }
}
