import { type FailureClass, InfraError } from '../../config/errors.ts'
import type { MachineEnd } from './machine.ts'

const classes: Readonly<Record<MachineEnd['kind'], FailureClass>> = {
  stopped: 'machine-died',
  'guest-panic': 'guest-panic',
  'guest-oom': 'guest-oom',
  'powered-off': 'machine-died',
  'host-disk-full': 'host-disk-full',
  killed: 'machine-died',
}

const hints: Readonly<Record<MachineEnd['kind'], string>> = {
  stopped: 'the machine was stopped by Mayfly itself',
  'guest-panic': 'the console of this job shows what the kernel said',
  'guest-oom': 'give the job more memory: resources: { memory: 4GiB }',
  'powered-off': 'a step must not power its machine off or reboot it; the job ends with the machine',
  'host-disk-full': 'free space in the data folder (mayfly images gc), or ask for a smaller disk',
  killed: 'something on the host ended the machine: look for the out-of-memory killer in the host log',
}

/** The end of a machine as the error of whatever was under way in it. */
export function endError(end: MachineEnd, evidence: readonly string[] = []): InfraError {
  const message = end.kind === 'stopped' ? 'the machine was stopped' : end.message
  return new InfraError(classes[end.kind], message, { hint: hints[end.kind], evidence })
}
