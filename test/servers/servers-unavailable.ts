import type { Dialect } from '../../src/dialects/dialect'

/** This machine cannot run the servers of a dialect. The message is one line: why, and what to install. */
export class ServersUnavailable extends Error {
  override readonly name = 'ServersUnavailable'

  constructor(
    readonly dialect: Dialect,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`No ${dialect} servers: ${reason}`, options)
  }
}
