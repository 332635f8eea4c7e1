import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { formatSize } from '../../config/size.ts'
import { chooseAccel } from '../../runner/accel/choose-accel.ts'
import { findQemu } from '../../runner/qemu/qemu-version.ts'
import type { BenchHost } from './bench-host.ts'

/** The host in one line, without which no figure means anything; with what machines run on where some are to run. */
export async function describeHost(machines?: BenchHost): Promise<string> {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const load = loadavg()
    .map((average) => average.toFixed(1))
    .join(' ')
  const facts = [
    `${cpus().length} x ${model}`,
    formatSize(totalmem()),
    `Linux ${release()}`,
    `Node ${process.version}`,
  ]
  if (machines !== undefined) facts.push(await describeMachines(machines))
  return `${facts.join(', ')}; ${new Date().toISOString().slice(0, 10)}; load average ${load} at the start`
}

async function describeMachines({ host, folder, image }: BenchHost): Promise<string> {
  const qemu = await findQemu()
  const accel = await chooseAccel({
    wanted: host.accel,
    binary: qemu.binary,
    qemuVersion: qemu.version,
    kernel: image.kernel?.image,
    cacheFile: join(folder, 'accel.json'),
    signal: new AbortController().signal,
  })
  return `QEMU ${qemu.version}, ${accel.accel} (${accel.reason})`
}
