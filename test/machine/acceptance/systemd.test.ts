import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPage } from '../../read-page.ts'
import { createBench, type Run } from '../mayfly.ts'
import { packBuild, packPrograms } from './pack-build.ts'

/** What needs a network is done by other means here. */
const withoutNetwork = (block: string) =>
  block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => !/^(?:apt-get|git|npm|systemctl disable) /.test(line))
    .join('\n')

/** What the units have to say where one does not start; the image keeps no journal. */
const begin = `set -eu
trap '[ $? = 0 ] || { systemctl --no-pager --full status "mayfly-*"; tail -n 30 /run/mayfly-*.said; }' EXIT
mkdir -p /run/systemd/system/service.d
printf '[Service]\\nStandardOutput=file:/run/%%p.said\\nStandardError=file:/run/%%p.said\\n' \\
  >/run/systemd/system/service.d/said.conf
`

/** Programs of this host by its own loader and libraries, for the guest may be of another release. */
const programs = `
mkdir -p /opt/host /opt/mayfly-1
tar --zstd -xf programs.tar.zst -C /opt/host
tar --zstd -xf mayfly.tar.zst -C /opt/mayfly-1
# They were packed from folders of one user alone.
chmod 755 /opt/host /opt/mayfly-1
for program in node redis-server; do
  printf '#!/bin/sh\\nexec /opt/host/ld.so --library-path /opt/host/lib /opt/host/bin/%s "$@"\\n' "$program" >"/usr/bin/$program"
  chmod 755 "/usr/bin/$program"
done
getent group kvm >/dev/null || groupadd --system kvm
`

const awaitWeb = `
await_web() {
  for _ in $(seq 600); do
    curl -fs -o /dev/null http://127.0.0.1:8470/readyz && return
    sleep 0.5
  done
  return 1
}
main_pid() { systemctl show --property MainPID --value "mayfly-$1"; }
say() { echo "fact $1: $2"; }
`

const look = `
await_web
say active "$(systemctl is-active mayfly-redis mayfly-web mayfly-worker | tr '\\n' ' ')"
health() { for _ in $(seq 20); do runuser -u mayfly -- mayfly health --role "$1" && return; sleep 2; done; return 1; }
health worker && say worker-health good
health web && say web-health good
say keys "$(stat -c '%U %a' /var/lib/mayfly-keys/secrets.key /var/lib/mayfly-keys/admin-token | tr '\\n' ' ')"
say token "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat /var/lib/mayfly-keys/admin-token)" http://127.0.0.1:8470/api/v1/hosts)"
say worker-metrics "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat /var/lib/mayfly-keys/admin-token)" http://127.0.0.1:8471/metrics)"
say nobody "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8470/api/v1/hosts)"
say redis-port "$(ss -Hltn 'sport = :6379' | wc -l)"
echo here >/home/probe
for unit in redis web worker; do
  pid=$(main_pid $unit)
  inside() { nsenter --target "$pid" --mount -- "$@"; }
  say "$unit-user" "$(ps -o user= -p "$pid")"
  say "$unit-rights" "$(awk '/^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):/ { printf "%s%s ", $1, $2 }' "/proc/$pid/status")"
  say "$unit-etc" "$(inside touch /etc/probe 2>&1 || true)"
  say "$unit-opt" "$(inside touch /opt/mayfly/dist/probe 2>&1 || true)"
  say "$unit-home" "$(inside ls -A /home 2>/dev/null | wc -l)"
  say "$unit-disk" "$(inside test -e /dev/vda && echo seen || echo hidden)"
  say "$unit-data" "$(inside touch /var/lib/mayfly/probe 2>&1 && echo written || true)"
done
`

const restart = `
sleep 1000 &
left=$!
echo $left >/sys/fs/cgroup/system.slice/mayfly-worker.service/cgroup.procs
touch /run/mayfly-worker/probe
before=$(main_pid worker)
systemctl restart mayfly-web mayfly-worker
await_web
[ "$(main_pid worker)" != "$before" ] && say restarted yes
say left-over "$(kill -0 $left && echo lives) $(test -e /run/mayfly-worker/probe && echo sockets)"
systemctl stop mayfly-worker mayfly-web
say results "$(systemctl show --property Result --value mayfly-web) $(systemctl show --property Result --value mayfly-worker)"
say left-over-of-stop "$(kill -0 $left && echo lives) $(test -e /run/mayfly-worker/probe && echo sockets)"
kill $left
`

/** Does what the page says in a machine, and gives what was said of it there. */
async function install(): Promise<{ run: Run; fact: (name: string) => string | undefined }> {
  const bench = await createBench()
  await packBuild(join(bench.work, 'mayfly.tar.zst'))
  await packPrograms(['node', 'redis-server'], join(bench.work, 'programs.tar.zst'))
  const page = await readPage('install.md')
  const [packages = ''] = page.blocks('1.', 'sh', 1)
  const [place = ''] = page.blocks('2.', 'sh', 1)
  const [units = ''] = page.blocks('3.', 'sh', 3)
  const script = [programs, ...[packages, place, units].map(withoutNetwork), awaitWeb, look, restart].join(
    '\n',
  )
  await writeFile(join(bench.work, 'install'), `${begin}${script}`)
  const run = await bench.run(
    JSON.stringify({
      ...{ image: 'debian-12-local', resources: { cpus: 2, memory: '1GiB' }, network: 'none' },
      ...{ timeout: '30m', steps: [{ name: 'install', run: 'sudo sh install 2>&1', timeout: '25m' }] },
    }),
  )
  const facts = new Map(
    [...run.log.matchAll(/^fact ([\w-]+): ?(.*?) *$/gm)].map(([, key = '', value = '']) => [key, value]),
  )
  return { run, fact: (name) => facts.get(name) }
}

const nothing = '0'.repeat(16)

describe('docs/install.md, done in a real Debian machine', () => {
  it('comes to three units that serve without a right too many, and end nothing beside the worker', async () => {
    const { run, fact } = await install()
    if (run.code !== 0) expect.fail(`${run.output}${run.log.slice(-4000)}`)
    expect(fact('active')).toBe('active active active')
    expect([fact('web-health'), fact('worker-health')]).toEqual(['good', 'good'])
    expect(fact('keys')).toBe('mayfly 600 mayfly 600')
    expect([fact('token'), fact('worker-metrics'), fact('nobody')]).toEqual(['200', '200', '401'])
    expect(fact('redis-port')).toBe('0')

    for (const unit of ['redis', 'web', 'worker']) {
      const of = (what: string) => fact(`${unit}-${what}`)
      expect(of('user')).toBe('mayfly')
      expect(of('rights')).toBe(
        `CapPrm:${nothing} CapEff:${nothing} CapBnd:${nothing} NoNewPrivs:1 Seccomp:2`,
      )
      for (const place of ['etc', 'opt']) expect(of(place)).toContain('Read-only file system')
      expect(of('home')).toBe('0')
      expect(of('disk')).toBe(unit === 'worker' ? 'seen' : 'hidden')
      expect(of('data')).toContain(unit === 'redis' ? 'Read-only file system' : 'written')
    }

    expect(fact('restarted')).toBe('yes')
    expect(fact('left-over')).toBe('lives sockets')
    expect(fact('results')).toBe('success success')
    expect(fact('left-over-of-stop')).toBe('lives sockets')
  })
})
