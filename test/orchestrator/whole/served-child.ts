import { join } from 'node:path'
import { pino } from 'pino'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { openShelf } from '../../../images/shelf.ts'
import { serveUntilTold } from '../../../orchestrator/command/serve-until-told.ts'
import { createFakeStart } from '../../fake-start.ts'
import { shelfImage } from '../../shelf-image.ts'

/** `mayfly serve` in the folder of argv as a process of its own, whose steps hang or pass as argv says. */
const [folder = '', step] = process.argv.slice(2)
const host = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
const dataFolder = join(folder, 'data')
await serveUntilTold(
  {
    role: 'all',
    host: { ...host, listen: { host: '127.0.0.1', port: 0 }, secretsKey: join(folder, 'secrets.key') },
    dataFolder,
    shelf: { ...openShelf({ dataFolder }), ensure: async (name) => shelfImage(name) },
    env: { PATH: process.env.PATH },
    log: pino({ level: 'warn' }, pino.destination(2)),
    startMachine: createFakeStart({
      steps: () => (step === 'hang' ? { prints: ['begun\n'], instead: 'hang' } : { prints: ['made it\n'] }),
    }),
  },
  2000,
)
