import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type Connection, type FileEntry, type ServerChannel, type SFTPWrapper } from 'ssh2'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { type Inside, insideOf } from '../../../runner/ssh/ssh2/inside.ts'

// A guest whose job has put a server of its own in the place of sshd: node --import tsx hostile-guest-child.ts TRICK.
// In a process of its own, so that what the test measures is the runner's side alone.

type Trick = {
  /** Instead of any SSH. */
  readonly raw?: (socket: Socket) => void
  /** Before the login, which is refused for ever then. */
  readonly beforeLogin?: (inside: Guest) => void
  readonly onReady?: (connection: Connection, inside: Guest) => void
  readonly onExec?: (channel: ServerChannel, inside: Guest) => void
  readonly onSftp?: (sftp: SFTPWrapper, inside: Guest) => void
}

/** What a server needs of ssh2 in order to misbehave. */
type Guest = Inside & {
  readonly _protocol: {
    rekey(): void
    channelData(channel: number, data: Buffer): void
    channelExtData(channel: number, data: Buffer, type: number): void
    channelEOF(channel: number): void
    channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void
    forwardedTcpip(channel: number, window: number, packetSize: number, info: object): void
  }
}

const mib = 1024 * 1024
const idOf = (channel: object) => (channel as { outgoing: { id: number } }).outgoing.id
const string = (text: string | Buffer) => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Does something again and again, no faster than it is read. */
async function withoutEnd(socket: Socket, act: () => void): Promise<void> {
  while (!socket.destroyed) {
    for (let times = 0; times < 64 && socket.writableLength < mib; times++) act()
    await new Promise<void>((resolve) => {
      if (socket.writableLength < mib) setImmediate(resolve)
      else setTimeout(resolve, 5)
    })
  }
}

function sendPayload({ _protocol: { _packetRW: packets, _cipher: cipher } }: Guest, payload: Buffer): void {
  const packet = packets.write.alloc(payload.length)
  packet.set(payload, packets.write.allocStart)
  cipher.encrypt(packets.write.finalize(packet))
}

const aFile = (filename: string): FileEntry => {
  const attrs = { mode: 0o100644, uid: 0, gid: 0, size: 2 ** 62, atime: 0, mtime: 0 }
  return { filename, longname: '', attrs } as FileEntry
}

/** Opens whatever is asked for, and does what it is told with each reading of a folder. */
function folders(sftp: SFTPWrapper, onReaddir: (id: number, times: number) => void): void {
  let times = 0
  sftp.on('OPENDIR', (id) => sftp.handle(id, Buffer.from('h')))
  sftp.on('CLOSE', (id) => sftp.status(id, 0))
  sftp.on('READDIR', (id) => onReaddir(id, times++))
}

function onEveryCall(sftp: SFTPWrapper, answer: (id: number, name: string) => void): void {
  for (const name of [
    'OPEN',
    'READ',
    'WRITE',
    'CLOSE',
    'FSETSTAT',
    'LSTAT',
    'OPENDIR',
    'READDIR',
    'REALPATH',
    'FSTAT',
    'STAT',
  ])
    sftp.on(name as 'OPEN', (id) => answer(id, name))
}

const withPackets =
  (size: number): NonNullable<Trick['onReady']> =>
  (_connection, { _protocol: protocol }) => {
    const confirm = protocol.channelOpenConfirm.bind(protocol)
    protocol.channelOpenConfirm = (remote, local, window) => confirm(remote, local, window, size)
  }

const tricks: Record<string, Trick> = {
  'version-without-end': {
    raw: (socket) => void withoutEnd(socket, () => socket.write(Buffer.alloc(16_384, 'a'))),
  },
  'lines-without-end': {
    raw: (socket) => void withoutEnd(socket, () => socket.write('not a version\r\n'.repeat(100))),
  },
  'silence-after-version': { raw: (socket) => void socket.write('SSH-2.0-x\r\n') },
  'banner-without-end': {
    beforeLogin: (guest) => {
      const banner = Buffer.concat([Buffer.from([53]), string(Buffer.alloc(16_384, 'b')), string('')])
      void withoutEnd(guest._sock, () => sendPayload(guest, banner))
    },
  },
  'keys-without-end': {
    onReady: (connection, guest) => {
      connection.on('rekey', () => setImmediate(() => guest._protocol.rekey()))
      guest._protocol.rekey()
    },
  },
  'packets-of-nothing': { onReady: withPackets(0), onExec: (channel) => channel.resume() },
  'packets-of-a-byte': { onReady: withPackets(1), onExec: (channel) => channel.resume() },
  'forwarded-packets-of-nothing': {
    onReady: (connection, { _protocol: protocol }) => {
      const open = protocol.forwardedTcpip.bind(protocol)
      protocol.forwardedTcpip = (channel, window, _size, info) => open(channel, window, 0, info)
      connection.on('request', (accept) => {
        accept?.()
        connection.forwardOut('127.0.0.1', 61_128, '127.0.0.1', 1, (error) =>
          report({ refused: error?.message }),
        )
      })
    },
  },
  'more-than-the-window': {
    onExec: (channel, guest) =>
      void withoutEnd(guest._sock, () => guest._protocol.channelData(idOf(channel), Buffer.alloc(32_000))),
  },
  'more-errors-than-the-window': {
    onExec: (channel, guest) =>
      void withoutEnd(guest._sock, () =>
        guest._protocol.channelExtData(idOf(channel), Buffer.alloc(32_000), 1),
      ),
  },
  'data-after-their-end': {
    onExec: (channel, { _protocol: protocol }) => {
      protocol.channelEOF(idOf(channel))
      protocol.channelExtData(idOf(channel), Buffer.from('late'), 1)
      protocol.channelData(idOf(channel), Buffer.from('late'))
    },
  },
  'output-without-end': {
    onExec: (channel) => {
      const more = () => {
        while (channel.write(Buffer.alloc(32_000, 'o')));
      }
      channel.on('drain', more)
      more()
    },
  },
  statuses: {
    onExec: (channel, { _protocol: protocol }) => {
      protocol.exitStatus(idOf(channel), 4_294_967_295)
      protocol.exitStatus(idOf(channel), 0)
      channel.close()
    },
  },
  'command-never-begins': {},
  'questions-without-end': {
    onReady: (_connection, guest) => {
      guest._sock.pause()
      // A global request by the name of x, to be answered.
      const question = Buffer.concat([Buffer.from([80]), string('x'), Buffer.from([1])])
      void withoutEnd(guest._sock, () => sendPayload(guest, question))
    },
  },
  'channels-without-end': {
    onReady: (connection) => {
      let open = 0
      let refused = 0
      connection.on('request', (accept) => {
        accept?.()
        for (let times = 0; times < 2_000; times++) {
          connection.forwardOut('127.0.0.1', 61_128, '127.0.0.1', 1, (error) => {
            if (error) refused++
            else open++
            if (open + refused === 2_000) report({ open, refused })
          })
        }
      })
    },
  },
  'takes-4-gib-and-reads-nothing': {
    onReady: (connection, { _protocol: protocol, _sock: socket }) => {
      const open = protocol.forwardedTcpip.bind(protocol)
      protocol.forwardedTcpip = (channel, _window, size, info) => open(channel, 2 ** 32 - 1, size, info)
      connection.on('request', (accept) => {
        accept?.()
        connection.forwardOut('127.0.0.1', 61_128, '127.0.0.1', 1, (_error, channel) => {
          channel.write('more, please')
          socket.pause()
        })
      })
    },
  },
  'sftp-never-answers': { onSftp: (sftp) => onEveryCall(sftp, () => undefined) },
  'sftp-answers-others': { onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.status(id + 1_000, 0)) },
  'sftp-ends': { onSftp: (sftp) => onEveryCall(sftp, () => sftp.destroy()) },
  'sftp-statuses-only': { onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.status(id, 0)) },
  'sftp-handles-only': { onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.handle(id, Buffer.from('h'))) },
  'sftp-data-only': {
    onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.data(id, Buffer.alloc(200_000, 'd'))),
  },
  'sftp-names-only': { onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.name(id, [aFile('x')])) },
  'sftp-attributes-only': {
    onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.attrs(id, aFile('x').attrs)),
  },
  'sftp-huge-handles': {
    onSftp: (sftp) => onEveryCall(sftp, (id) => sftp.handle(id, Buffer.alloc(200_000))),
  },
  'sftp-huge-packet': {
    onSftp: (sftp, { _protocol: protocol }) =>
      onEveryCall(sftp, () => protocol.channelData(idOf(sftp), Buffer.from([0x7f, 255, 255, 255, 101]))),
  },
  'sftp-negative-packet': {
    onSftp: (sftp, { _protocol: protocol }) =>
      onEveryCall(sftp, () => protocol.channelData(idOf(sftp), Buffer.from([255, 255, 255, 255, 101, 0, 0]))),
  },
  'sftp-many-names-in-none': {
    onSftp: (sftp, { _protocol: protocol }) =>
      folders(sftp, (id) => {
        const packet = Buffer.alloc(4 + 9)
        packet.writeUInt32BE(9)
        packet[4] = 104
        packet.writeUInt32BE(id, 5)
        packet.writeUInt32BE(2 ** 32 - 1, 9)
        protocol.channelData(idOf(sftp), packet)
      }),
  },
  'sftp-folder-without-end': {
    onSftp: (sftp) =>
      folders(sftp, (id, times) =>
        sftp.name(
          id,
          Array.from({ length: 500 }, (_, index) => aFile(`f-${times}-${index}`)),
        ),
      ),
  },
  'sftp-long-names-without-end': {
    onSftp: (sftp) => folders(sftp, (id) => sftp.name(id, [aFile('n'.repeat(200_000))])),
  },
  'sftp-folder-of-nothing-without-end': { onSftp: (sftp) => folders(sftp, (id) => sftp.name(id, [])) },
  'sftp-names-that-lead-elsewhere': {
    onSftp: (sftp) => {
      const names = [
        '../../escaped',
        '/etc/cron.d/x',
        'a\0b',
        '.',
        '..',
        '',
        'n'.repeat(5_000),
        'line\nbreak',
        '__proto__',
      ]
      folders(sftp, (id, times) => (times === 0 ? sftp.name(id, names.map(aFile)) : sftp.status(id, 1)))
      sftp.on('OPEN', (id) => sftp.handle(id, Buffer.from('h')))
      sftp.on('FSTAT', (id) => sftp.attrs(id, aFile('').attrs))
      let reads = 0
      sftp.on('READ', (id) => (reads++ % 2 === 0 ? sftp.data(id, Buffer.from('bytes')) : sftp.status(id, 1)))
    },
  },
  'sftp-file-without-end': {
    onSftp: (sftp) => {
      sftp.on('LSTAT', (id) => sftp.attrs(id, { ...aFile('').attrs, size: 3 }))
      sftp.on('OPEN', (id) => sftp.handle(id, Buffer.from('h')))
      sftp.on('FSTAT', (id) => sftp.attrs(id, { ...aFile('').attrs, size: 3 }))
      sftp.on('READ', (id) => sftp.data(id, Buffer.alloc(200_000, 'r')))
      sftp.on('CLOSE', (id) => sftp.status(id, 0))
    },
  },
}

function report(said: object): void {
  process.stdout.write(`${JSON.stringify(said)}\n`)
}

const { raw, beforeLogin, onReady, onExec, onSftp } = tricks[process.argv[2] ?? ''] ?? {
  raw: () => process.exit(1),
}
const host = makeKeyPair('host')
const user = makeKeyPair('user')
const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (connection) => {
  const guest = insideOf(connection) as Guest
  connection.on('error', () => undefined)
  connection.on('authentication', (context) => {
    if (beforeLogin === undefined) context.accept()
    else beforeLogin(guest)
  })
  connection.on('ready', () => onReady?.(connection, guest))
  connection.on('session', (accept) => {
    const session = accept()
    session.on('exec', (acceptExec) => {
      if (onExec === undefined) return
      const channel = acceptExec()
      channel.on('error', () => undefined)
      onExec(channel, guest)
    })
    session.on('sftp', (acceptSftp) => {
      const sftp = acceptSftp()
      sftp.on('error', () => undefined)
      onSftp?.(sftp, guest)
    })
  })
})
const listener = createServer((socket) => {
  socket.on('error', () => undefined)
  if (raw === undefined) server.injectSocket(socket)
  else raw(socket)
})
listener.listen(0, '127.0.0.1', () => {
  const { port } = listener.address() as AddressInfo
  report({ port, login: { user: 'ci', privateKey: user.privateKey, hostKey: host.publicKey } })
})
