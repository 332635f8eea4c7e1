import { readdir, readFile, readlink } from 'node:fs/promises'

/** TCP addresses that a process listens on, as `127.0.0.1:40123` or `[…]:40123`; from proc_pid_fd(5) and proc_net(5). */
export async function listeningOn(pid: number): Promise<string[]> {
  const inodes = await socketInodes(pid)
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'latin1')),
  )
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode = '']) => state === listening && inodes.has(inode))
    .map(([, local = '']) => readable(local))
}

const listening = '0A'

async function socketInodes(pid: number): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')),
  )
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

// Each four bytes of an address are written as one number in the host's byte order.
function readable(local: string): string {
  const [address = '', port = ''] = local.split(':')
  const number = Number.parseInt(port, 16)
  if (address.length > 8) return `[${address}]:${number}`
  return `${[...Buffer.from(address, 'hex')].reverse().join('.')}:${number}`
}
