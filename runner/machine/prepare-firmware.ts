import { copyFile, stat } from 'node:fs/promises'
import { InfraError } from '../../config/errors.ts'
import type { Firmware } from '../../images/image.ts'
import type { QemuFirmware } from '../qemu/qemu-spec.ts'

const ovmf = { code: '/usr/share/OVMF/OVMF_CODE.fd', vars: '/usr/share/OVMF/OVMF_VARS.fd' }

/** For UEFI, gives the machine its own copy of the variable store. Throws InfraError('boot') without OVMF. */
export async function prepareFirmware(firmware: Firmware, varsFile: string): Promise<QemuFirmware> {
  if (firmware === 'bios') return { kind: 'bios' }
  try {
    await stat(ovmf.code)
    await copyFile(ovmf.vars, varsFile)
  } catch (cause) {
    throw new InfraError('boot', `expected UEFI firmware in ${ovmf.code}, found none`, {
      hint: 'apt-get install ovmf',
      cause,
    })
  }
  return { kind: 'uefi', code: ovmf.code, vars: varsFile }
}
