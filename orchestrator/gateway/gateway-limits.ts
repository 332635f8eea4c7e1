export type GatewayLimits = {
  /**
   * Logins that may be in one job's machine at once. Each has any number of shells and copies, over one connection.
   * @defaultValue 1
   */
  readonly sessionsPerJob: number
  /**
   * Connections at all, logged in or not.
   * @defaultValue 128
   */
  readonly connections: number
  /**
   * Connections from one address; an IPv6 network of 64 bits counts as one.
   * @defaultValue 16
   */
  readonly connectionsPerAddress: number
  /**
   * ms from the connection to the login, the passphrase typed included.
   * @defaultValue 60_000
   */
  readonly handshakeMs: number
  /**
   * ms without a byte in either direction until a session ends.
   * @defaultValue 900_000
   */
  readonly idleMs: number
  /**
   * Connections that an address may spend without logging in, and how fast it gets them back. A login gives its own back.
   * @defaultValue { burst: 30, perSecond: 0.5 }
   */
  readonly loginsPerAddress: { readonly burst: number; readonly perSecond: number }
  /**
   * Shells, commands and copies of one session at once.
   * @defaultValue 10
   */
  readonly channels: number
  /**
   * Forwarded connections of one session at once.
   * @defaultValue 64
   */
  readonly forwards: number
  /**
   * bytes of one recording; what comes after is not recorded, and the recording says so.
   * @defaultValue 16 MiB
   */
  readonly recordingBytes: number
}

export const defaultGatewayLimits: GatewayLimits = {
  sessionsPerJob: 1,
  connections: 128,
  connectionsPerAddress: 16,
  handshakeMs: 60_000,
  idleMs: 15 * 60_000,
  loginsPerAddress: { burst: 30, perSecond: 0.5 },
  channels: 10,
  forwards: 64,
  recordingBytes: 16 * 1024 * 1024,
}
