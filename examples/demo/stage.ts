import { runSql, startServers, type StartedCluster } from '../../test/servers'
import { addDatabase, addressesOf, type Servers } from '../servers'
import type { Backend } from './backend'
import type { DemoOptions } from './options'

export interface Stage {
  readonly cluster: StartedCluster
  readonly articles: Servers
  readonly users: Servers
  /** How long it took. */
  readonly setMs: number
}

/** A primary and two replicas with two databases, their tables, and a few rows. */
export async function setStage(dialect: DemoOptions['dialect'], { schema }: Backend): Promise<Stage> {
  const startedAt = performance.now()
  const cluster = await startServers(dialect)
  try {
    const articles = addressesOf(cluster)
    const users = await addDatabase(cluster, 'users')
    for (const sql of schema.articles) await runSql(articles.primary, sql)
    for (const sql of schema.users) await runSql(users.primary, sql)
    await cluster.caughtUp()
    return { cluster, articles, users, setMs: performance.now() - startedAt }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
