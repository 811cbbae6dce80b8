import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { classify } from '../../src/statement/classify'
import { ServersUnavailable, startPostgres, type StartedCluster } from '../servers'
import { FUNCTION_OBJECTS, refusedCalls, type RefusedCall } from './postgres-functions'
import { PostgresSession } from './postgres-session'
import { wantedDialects } from './wanted-dialects'

/** The suites call only some of the functions that come with the server; here every one of them is called. */
describe.runIf(wantedDialects().includes('postgres'))('the built-in functions of postgres', () => {
  let cluster: StartedCluster | undefined
  let unavailable: string | undefined
  let called = 0
  let refused: readonly RefusedCall[] = []

  beforeAll(async () => {
    try {
      cluster = await startPostgres({ replicas: 1 })
    } catch (error) {
      if (process.env['CI'] || !(error instanceof ServersUnavailable)) throw error
      unavailable = error.message
      return
    }
    const session = (connectionString: string): PostgresSession =>
      new PostgresSession({ connectionString, settings: { statement_timeout: '1000' }, patienceMs: 5_000 })
    const primary = session(cluster.primary.adminUrl)
    await primary.run(FUNCTION_OBJECTS)
    await primary.close()
    await cluster.caughtUp()
    const standby = session(cluster.replicas[0]!.adminUrl)
    ;({ called, refused } = await refusedCalls(standby))
    await standby.close()
  }, 120_000)

  afterAll(() => cluster?.stop())

  it('are called, and some refused', (context) => {
    if (cluster === undefined) {
      context.skip(unavailable)
      return
    }
    expect(called).toBeGreaterThan(700)
    const names = refused.map(({ signature }) => signature.replace(/\(.*/, ''))
    expect(names).toEqual(
      expect.arrayContaining(['nextval', 'txid_current', 'pg_notify', 'lo_unlink', 'pg_switch_wal']),
    )
  })

  it('are no reads where a standby refuses them', (context) => {
    if (cluster === undefined) {
      context.skip(unavailable)
      return
    }
    const reads = refused.filter(({ sql }) => classify(sql, 'postgres').intent === 'read')
    expect(reads).toEqual([])
  })
})
