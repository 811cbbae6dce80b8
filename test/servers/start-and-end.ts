import type { Dialect } from '../../src/dialects/dialect'
import { startServers } from './start-servers'

/** Starts servers, says so, and ends in the way that is asked for, without stopping them unless that is the way. */
async function startAndEnd(dialect: Dialect, ending: string): Promise<void> {
  const cluster = await startServers(dialect, { replicas: 1 })
  console.log('started')
  switch (ending) {
    case 'stay':
      setInterval(() => undefined, 1_000)
      return
    case 'exit':
      process.exit(3)
    case 'throw':
      setImmediate(() => {
        throw new Error('uncaught')
      })
      return
    case 'reject':
      void Promise.reject(new Error('unhandled'))
      return
    case 'stop':
      await cluster.stop()
      return
    case 'return':
      return
    default:
      throw new Error(`Unknown ending ${ending}`)
  }
}

void startAndEnd(process.argv[2] as Dialect, process.argv[3]!)
