import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { answerName } from './answer-name.ts'

/**
 * What a job must not reach, or may, in the network that this process is in: HTTP on ports 80 and 7001, UDP on 7002 and
 * a name server, on every address of both families. Each says who it is; each visit is a line on standard output.
 */
const tell = (visit: string) => process.stdout.write(`visit ${visit}\n`)

for (const port of [80, 7001]) {
  const server = createServer((request, response) => {
    const address = (request.socket.localAddress ?? '').replace('::ffff:', '')
    tell(`tcp ${address}`)
    if (request.url === '/redirect') response.writeHead(302, { location: 'http://127.0.0.1/' }).end()
    else response.end(`listener:${address.replaceAll(/[.:]/g, '-')}\n`)
  })
  server.listen(port, '::')
}

const udp = createSocket('udp6')
udp.on('message', (_message, from) => {
  tell('udp')
  udp.send('listener:udp', from.port, from.address)
})
udp.bind(7002, '::')

const names = createSocket('udp6')
names.on('message', (question, from) => {
  const { name, answer } = answerName(question)
  tell(`dns ${name}`)
  names.send(answer, from.port, from.address)
})
names.bind(53, '::', () => process.stdout.write('ready\n'))
