import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Check } from './check.ts'
import type { Engine } from './engine.ts'

/** As docs/container.md has it: an ordinary user, nothing to be written but two folders in memory, no right at all. */
export const confined = [
  '--rm',
  '--read-only',
  ...['--cap-drop', 'all', '--security-opt', 'no-new-privileges'],
  ...['--tmpfs', '/tmp:mode=1777', '--tmpfs', '/run:mode=1777'],
]

const inspected = z.tuple([
  z.object({
    Size: z.number(),
    User: z.string(),
    Labels: z.record(z.string(), z.string()),
    Config: z.object({ Healthcheck: z.object({ Test: z.array(z.string()) }).optional() }),
    HealthCheck: z.unknown().optional(),
  }),
])

/** What the image is, and what it does alone. */
export function imageChecks({ podman, buildah }: Engine): Check[] {
  const run = (...args: readonly string[]) =>
    podman(['run', ...confined, '--network', 'none', ...args], { reject: false })
  return [
    {
      title: 'builds from the Dockerfile as it stands',
      run: async () => {
        const how = ['--isolation', 'chroot', '--pull-never', '--layers', '--format', 'docker']
        const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096']
        // Whom this host trusts; the image keeps nothing of it.
        const trust = ['--secret', 'id=ca,src=/etc/ssl/certs/ca-certificates.crt']
        await buildah(['build', ...how, ...limits, ...trust, '--tag', 'mayfly', '.'])
      },
    },
    {
      title: 'is under 700 MB, of an ordinary user, with labels and a health check',
      run: async () => {
        const { stdout } = await podman(['image', 'inspect', 'mayfly'])
        const [image] = inspected.parse(JSON.parse(stdout))
        assert.ok(image.Size < 700e6, `expected under 700 MB, got ${image.Size / 1e6}`)
        assert.equal(image.User, 'mayfly')
        assert.equal(image.Labels['org.opencontainers.image.title'], 'Mayfly')
        assert.match(stdout, /"health"/)
      },
    },
    {
      title: 'holds no file that gives rights to who runs it',
      run: async () => {
        const find = 'find / -xdev -type f -perm /6000'
        const { stdout } = await podman([
          'run',
          '--rm',
          '--user',
          '0',
          '--entrypoint',
          'sh',
          'mayfly',
          '-c',
          find,
        ])
        assert.equal(stdout, '')
      },
    },
    {
      title: 'says its version on a read-only root, as user 10001 without any capability',
      run: async () => {
        assert.match((await run('mayfly', '--version')).stdout, /^\d+\.\d+\.\d+$/)
        const look = 'id -u; grep CapEff /proc/self/status; touch /opt/mayfly/x 2>&1'
        const { stdout } = await run('--entrypoint', 'sh', 'mayfly', '-c', look)
        assert.match(stdout, /^10001\nCapEff:\s0+\n.*Read-only file system/)
      },
    },
    {
      title: 'has a doctor that says what this container can and cannot',
      run: async () => {
        const { stdout, exitCode } = await run('mayfly', 'doctor')
        assert.match(stdout, /! acceleration +emulation \(TCG\) with QEMU 10\.\S+ many times slower than KVM/)
        assert.match(stdout, /✔ user of QEMU +user 10001, as Mayfly/)
        assert.match(stdout, /✔ socket folder/)
        assert.match(stdout, /internet mode +refused/)
        assert.equal(exitCode, 0, stdout)
      },
    },
  ]
}
