/** What machines take of a host, or a host has for them. Memory in bytes. */
export type Room = { readonly cpus: number; readonly memory: number }

export function fitsIn(room: Room, need: Room): boolean {
  return need.cpus <= room.cpus && need.memory <= room.memory
}

export function taking(room: Room, { cpus, memory }: Room): Room {
  return { cpus: room.cpus - cpus, memory: room.memory - memory }
}

export function smaller(a: Room, b: Room): Room {
  return { cpus: Math.min(a.cpus, b.cpus), memory: Math.min(a.memory, b.memory) }
}
