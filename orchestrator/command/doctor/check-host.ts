import { mkdir, rm, statfs } from 'node:fs/promises'
import { freemem, totalmem, userInfo } from 'node:os'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { formatSize } from '../../../config/size.ts'
import type { Shelf } from '../../../images/shelf.ts'
import { chooseAccel } from '../../../runner/accel/choose-accel.ts'
import { findQemuUser } from '../../../runner/confinement/qemu-user.ts'
import { subordinateRange } from '../../../runner/confinement/subordinate-range.ts'
import { machinePaths } from '../../../runner/machine/filenames.ts'
import { makeRunFolder } from '../../../runner/machine/run-folder.ts'
import { findQemu } from '../../../runner/qemu/qemu-version.ts'
import { accelCacheFile } from '../../../runner/start-on-host.ts'
import { checkBucket } from './check-bucket.ts'
import { checkCgroup, checkUser } from './check-confinement.ts'
import { checkInternet } from './check-internet.ts'
import type { Finding } from './finding.ts'
import { checkPrograms } from './programs.ts'

type CheckHost = { host: HostConfig; dataFolder: string; shelf: Shelf; path: string }

const leastDisk = 5 * 2 ** 30

/** Looks at everything that a machine on this host needs. */
export async function checkHost({ host, dataFolder, shelf, path }: CheckHost): Promise<Finding[]> {
  return [
    checkNode(process.versions.node),
    ...(await checkPrograms(path, userInfo().uid === 0)),
    await checkAccel({ host, dataFolder, shelf, path }),
    await checkRunFolder(dataFolder, host.runDir),
    await checkDisk(dataFolder),
    checkMemory(host),
    await checkInternet(host),
    await lookAtUser(),
    await checkCgroup(),
    await checkImage(host, shelf),
    ...(host.bucket === undefined ? [] : [await checkBucket({ bucket: host.bucket })]),
  ]
}

async function lookAtUser(): Promise<Finding> {
  const user = await findQemuUser()
  return checkUser(userInfo().uid, user, user && (await subordinateRange(user)))
}

/** Node 20.19 is the first that all our libraries run on. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const good = major > 20 || (major === 20 && minor >= 19)
  const mend = good ? undefined : 'install Node 20.19 or newer'
  return { name: 'Node', state: good ? 'good' : 'missing', found: version, mend }
}

async function checkAccel({ host, dataFolder, shelf }: CheckHost): Promise<Finding> {
  const name = 'acceleration'
  try {
    const qemu = await findQemu()
    const image = await shelf.resolve(host.defaultImage).catch(() => undefined)
    const { accel, reason } = await chooseAccel({
      wanted: host.accel,
      binary: qemu.binary,
      qemuVersion: qemu.version,
      kernel: image?.kernel?.image,
      cacheFile: accelCacheFile(dataFolder),
      signal: new AbortController().signal,
    })
    if (accel === 'kvm')
      return { name, state: 'good', found: `KVM with QEMU ${qemu.version}: ${reason}`, mend: undefined }
    return {
      name,
      state: 'weak',
      found: `emulation (TCG) with QEMU ${qemu.version}, many times slower than KVM: ${reason}`,
      mend: undefined,
    }
  } catch (error) {
    if (!(error instanceof InfraError)) throw error
    return { name, state: 'missing', found: error.message, mend: error.hint }
  }
}

async function checkRunFolder(dataFolder: string, runDir: string | undefined): Promise<Finding> {
  const name = 'socket folder'
  const { uid } = userInfo()
  const { runFolder } = machinePaths({
    dataFolder,
    id: `doctor-${process.pid}`,
    env: process.env,
    uid,
    runDir,
  })
  try {
    await mkdir(dataFolder, { recursive: true })
    await makeRunFolder({ folder: runFolder, uid })
    await rm(runFolder, { recursive: true })
    return { name, state: 'good', found: runFolder.slice(0, runFolder.lastIndexOf('/')), mend: undefined }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { name, state: 'missing', found: error.message, mend: error.hint }
  }
}

async function checkDisk(dataFolder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dataFolder)
  const free = bavail * bsize
  const found = `${formatSize(free)} free in ${dataFolder}`
  if (free >= leastDisk) return { name: 'data folder', state: 'good', found, mend: undefined }
  return {
    name: 'data folder',
    state: 'missing',
    found: `${found}, expected at least ${formatSize(leastDisk)}`,
    mend: 'mayfly images gc, or --data on a larger disk',
  }
}

function checkMemory(host: HostConfig): Finding {
  const found = `${formatSize(freemem())} free of ${formatSize(totalmem())}, a job gets ${formatSize(host.resources.memory)}`
  const enough = totalmem() > host.resources.memory
  return {
    name: 'memory',
    state: enough ? 'good' : 'missing',
    found,
    mend: enough ? undefined : 'set `resources: { memory: 1GiB }` in the host file',
  }
}

async function checkImage(host: HostConfig, shelf: Shelf): Promise<Finding> {
  const name = 'default image'
  const listed = (await shelf.list()).find((image) => image.name === host.defaultImage)
  if (listed?.present) return { name, state: 'good', found: `${listed.name} is here`, mend: undefined }
  const verb = listed?.source === 'build' ? 'build' : 'pull'
  return {
    name,
    state: 'weak',
    found: `${host.defaultImage} is not here yet; the first job brings it`,
    mend: `mayfly images ${verb} ${host.defaultImage}`,
  }
}
