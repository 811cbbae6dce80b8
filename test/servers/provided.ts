import { describe, inject } from 'vitest'
import { DIALECTS, type Dialect } from '../../src/dialects/dialect'
import type { Cluster } from './cluster'
import { openCluster } from './open-cluster'
import './provided-servers'

/** The servers of a dialect that the global set-up has started, or undefined where there are none. */
export function providedCluster(dialect: Dialect): Cluster | undefined {
  const provided = inject('servers')[dialect]
  return 'unavailable' in provided ? undefined : openCluster(provided)
}

/** Describes tests on the servers of one dialect; they are skipped where this machine has none. */
export function describeDialect(dialect: Dialect, tests: (cluster: Cluster) => void): void {
  const provided = inject('servers')[dialect]
  if ('unavailable' in provided) {
    describe.skip(`${dialect} (${provided.unavailable})`, () => {
      // nothing to run them on
    })
  } else {
    describe(`${dialect} ${provided.version}`, () => {
      tests(openCluster(provided))
    })
  }
}

/** Describes the same tests for every dialect. */
export function describeEachDialect(
  tests: (dialect: Dialect, cluster: Cluster) => void,
  dialects: readonly Dialect[] = DIALECTS,
): void {
  for (const dialect of dialects) {
    describeDialect(dialect, (cluster) => {
      tests(dialect, cluster)
    })
  }
}
