import { Cancelled } from '../../runner/job/outcome.ts'

/** This process ends: what it runs is put back in line. */
export class HostStopping extends Cancelled {
  override readonly name: string = 'HostStopping'
}

/** The queue gave the job to somebody else, for nothing was heard of us for too long: it is not ours any more. */
export class LockLost extends Cancelled {
  override readonly name: string = 'LockLost'
}

/** Somebody had its machine ended at once, whatever the guest was doing. */
export class Killed extends Cancelled {
  override readonly name: string = 'Killed'
}
