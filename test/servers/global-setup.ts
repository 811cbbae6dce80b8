import type { TestProject } from 'vitest/node'
import { DIALECTS, type Dialect } from '../../src/dialects/dialect'
import type { StartedCluster } from './cluster'
import { describeGiven, givenServers } from './given-servers'
import type { ProvidedCluster, ProvidedServers } from './provided-servers'
import { ServersUnavailable } from './servers-unavailable'
import { startServers } from './start-servers'

/**
 * Starts the servers of every dialect once for the whole run and tells the test files where they are.
 *
 * `SPLITPOOL_DIALECTS=postgres,mysql` starts only those. `SPLITPOOL_TEST_SERVERS` names servers that run already. A
 * dialect that this machine cannot run is skipped with a line that says why; under `CI` that is a failure.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: StartedCluster[] = []
  const stopAll = async (): Promise<void> => {
    await Promise.all(started.map((cluster) => cluster.stop()))
  }
  const given = givenServers()

  const provide = async (dialect: Dialect): Promise<ProvidedCluster> => {
    if (!wantedDialects().includes(dialect)) return { unavailable: 'left out by SPLITPOOL_DIALECTS' }
    if (given)
      return (
        (await describeGiven(dialect, given)) ?? { unavailable: 'there is none in SPLITPOOL_TEST_SERVERS' }
      )
    try {
      const cluster = await startServers(dialect)
      started.push(cluster)
      return cluster.info
    } catch (error) {
      if (!(error instanceof ServersUnavailable) || process.env['CI']) throw error
      return { unavailable: error.reason }
    }
  }

  const outcomes = await Promise.allSettled(DIALECTS.map(provide))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) {
    await stopAll()
    throw failed.reason
  }
  const servers = Object.fromEntries(
    outcomes.map((outcome, index) => [
      DIALECTS[index],
      (outcome as PromiseFulfilledResult<ProvidedCluster>).value,
    ]),
  ) as ProvidedServers

  for (const dialect of DIALECTS) {
    const provided = servers[dialect]
    if ('unavailable' in provided) console.warn(`Tests on ${dialect} are skipped: ${provided.unavailable}`)
  }
  project.provide('servers', servers)
  return stopAll
}

function wantedDialects(): readonly string[] {
  return process.env['SPLITPOOL_DIALECTS']?.split(',') ?? DIALECTS
}
