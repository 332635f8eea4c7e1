import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { formatSize } from '../../config/size.ts'
import { chooseAccel } from '../../runner/accel/choose-accel.ts'
import { findQemu } from '../../runner/qemu/qemu-version.ts'
import type { BenchHost } from './bench-host.ts'

/** The host in one line, without which no figure means anything. */
export async function describeHost({ host, folder, image }: BenchHost): Promise<string> {
  const qemu = await findQemu()
  const accel = await chooseAccel({
    wanted: host.accel,
    binary: qemu.binary,
    qemuVersion: qemu.version,
    kernel: image.kernel?.image,
    cacheFile: join(folder, 'accel.json'),
    signal: new AbortController().signal,
  })
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `${cpus().length} x ${model}, ${formatSize(totalmem())}, Linux ${release()}, Node ${process.version}, QEMU ${qemu.version}, ${accel.accel} (${accel.reason}); ${new Date().toISOString().slice(0, 10)}`
}
