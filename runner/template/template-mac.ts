import { macAddress } from '../qemu/mac-address.ts'

/** All clones have the network card of their template; each has a network of its own, so they never meet. */
export const templateMac = macAddress('template')
