import { createServer } from 'node:net'
import { randomInt } from 'node:crypto'

/**
 * Ports that are free now, on every interface. Somebody may take one before the server does: see `withFreePorts`.
 *
 * They lie below the range from which systems choose the ports of outgoing connections. Otherwise a client that
 * keeps calling the port of a dead local server ends up, sooner or later, connected to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(15_000, 32_000)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

/** Runs `start` with free ports, and with others when it finds one of them taken. */
export async function withFreePorts<T>(count: number, start: (ports: number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count))
    } catch (error) {
      if (attempt === 3 || !/address already in use|port is already allocated/i.test(String(error)))
        throw error
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
