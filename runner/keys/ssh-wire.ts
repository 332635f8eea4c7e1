/** RFC 4251 section 5: each value as an uint32 length and its bytes, one after the other. */
export function sshStrings(...values: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    values
      .map((value) => (typeof value === 'string' ? Buffer.from(value) : value))
      .flatMap((bytes) => [uint32(bytes.length), bytes]),
  )
}

/** RFC 4251 section 5: big-endian. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
