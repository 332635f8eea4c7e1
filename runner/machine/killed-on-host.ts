import { InfraError } from '../../config/errors.ts'

/** A machine that somebody on this host killed while it started, the kernel for lack of memory too: no fault of what it started from. */
export class KilledOnHost extends InfraError {
  override readonly name: string = 'KilledOnHost'
}
