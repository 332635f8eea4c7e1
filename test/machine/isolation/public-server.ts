import { createInterface } from 'node:readline'
import { execa } from 'execa'

/** Bytes of each answer. */
export const answerBytes = 100_000

export type PublicServer = {
  /** Requests so far. */
  readonly served: () => number
  readonly stop: () => Promise<void>
}

const program = `require('node:http').createServer((request, response) => {
  console.log('served')
  response.end(Buffer.alloc(${answerBytes}, 'x'))
}).listen(80, '203.0.113.7', () => console.log('ready'))`

/** HTTP on the internet of a `world`, whose LAN is where the process of LAN_PID is; answers all with `answerBytes`. */
export async function startPublicServer(): Promise<PublicServer> {
  const lan = `--net=/proc/${process.env.LAN_PID}/ns/net`
  const child = execa('nsenter', [lan, process.execPath, '-e', program], {
    ...{ stderr: 'inherit', buffer: false, reject: false },
  })
  let lines = 0
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') resolve()
      else lines++
    })
  })
  return {
    served: () => lines,
    stop: async () => {
      child.kill()
      await child
    },
  }
}

/**
 * A pipeline whose job fetches from that server `times` over, one second apart, says so each time, and prints 2 MB that
 * nobody on the internet hears.
 */
export function fetchingPipeline(times: number): string {
  return `
resources: { cpus: 2, memory: 512MiB }
network: internet
steps:
  - name: talks
    run: head -c 2000000 /dev/zero | tr '\\0' 'x' | fold -w 100
  - name: fetches
    run: |
      exec python3 -u - <<'END'
      import time, urllib.request
      for count in range(1, ${times + 1}):
          body = urllib.request.urlopen('http://203.0.113.7/', timeout=60).read()
          print('fetched', count, len(body))
          time.sleep(1)
      END
`
}
