import { connect } from 'node:net'

/** `ready` answers commands, `loading` still reads its files, `silent` is everything else. */
export type RedisPulse = 'ready' | 'loading' | 'silent'

/** Asks what listens on a unix socket whether it serves; never rejects. */
export function pingRedis(path: string, ms = 1000): Promise<RedisPulse> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const settle = (pulse: RedisPulse) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(pulse)
    }
    const timer = setTimeout(settle, ms, 'silent')
    let answer = ''
    socket.on('connect', () => socket.write('PING\r\n'))
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (!answer.includes('\r\n')) return
      settle(answer.startsWith('+PONG') ? 'ready' : answer.startsWith('-LOADING') ? 'loading' : 'silent')
    })
    socket.on('error', () => settle('silent'))
    socket.on('close', () => settle('silent'))
  })
}
