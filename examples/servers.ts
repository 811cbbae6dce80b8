import { parseArgs } from 'node:util'
import type { Dialect } from '../src'
import { runSql, startServers, type ClusterInfo, type StartedCluster } from '../test/servers'
import { describeGiven } from '../test/servers/given-servers'
import { openCluster } from '../test/servers/open-cluster'

/** The addresses of a database, as `postgres()` and `mysql()` take them. */
export interface Servers {
  readonly primary: string
  readonly replicas: readonly string[]
}

/** What an example runs on. */
export interface ExampleServers {
  readonly servers: Servers
  /** A second database, `users`. */
  readonly users: Servers
  /** Resolves once the replicas have applied what the primary has committed. */
  readonly caughtUp: () => Promise<void>
}

/**
 * Runs an example on the servers that the command line names, else on a primary and two replicas that are started for
 * it and end with it:
 *
 *     npx tsx examples/NAME.ts [PRIMARY_URL REPLICA_URL... [--users PRIMARY_URL --users REPLICA_URL...]]
 */
export async function runExample(
  dialect: Extract<Dialect, 'postgres' | 'mysql'>,
  example: (stage: ExampleServers) => Promise<void>,
): Promise<void> {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { users: { type: 'string', multiple: true } },
    })
    if (positionals.length > 0)
      await example(await givenServers(dialect, positionals, values.users ?? positionals))
    else await onStartedServers(dialect, example)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

async function onStartedServers(
  dialect: Extract<Dialect, 'postgres' | 'mysql'>,
  example: (stage: ExampleServers) => Promise<void>,
): Promise<void> {
  const cluster = await startServers(dialect)
  try {
    const users = await addDatabase(cluster, 'users')
    await example({ servers: addressesOf(cluster), users, caughtUp: () => cluster.caughtUp() })
  } finally {
    await cluster.stop()
  }
}

async function givenServers(
  dialect: Dialect,
  urls: readonly string[],
  userUrls: readonly string[],
): Promise<ExampleServers> {
  const [servers, users] = [urls, userUrls].map(([primary, ...replicas]) => ({ primary: primary!, replicas }))
  const given = urls.map((url) => ({ url, adminUrl: url }))
  const info = await describeGiven(dialect, { [dialect]: { primary: given[0]!, replicas: given.slice(1) } })
  return { servers: servers!, users: users!, caughtUp: () => openCluster(info!).caughtUp() }
}

export function addressesOf({ primary, replicas }: ClusterInfo): Servers {
  return { primary: primary.url, replicas: replicas.map(({ url }) => url) }
}

/** The same servers, the last replica tagged as the one for reports. */
export function tagged({ primary, replicas }: Servers): {
  readonly primary: string
  readonly replicas: readonly { readonly url: string; readonly tags: readonly string[] }[]
} {
  const last = replicas.length - 1
  return {
    primary,
    replicas: replicas.map((url, index) => ({ url, tags: [index === last ? 'reports' : 'web'] })),
  }
}

/** Makes a second database on the servers of a cluster, and gives its addresses. */
export async function addDatabase(cluster: StartedCluster, name: string): Promise<Servers> {
  const { adminUrl } = cluster.primary
  if (cluster.dialect === 'postgres') {
    await runSql(adminUrl, `CREATE DATABASE ${name} OWNER app`)
  } else {
    await runSql(adminUrl, `CREATE DATABASE ${name}`)
    await runSql(adminUrl, `GRANT ALL ON ${name}.* TO app`)
  }
  await cluster.caughtUp()
  const { primary, replicas } = addressesOf(cluster)
  return { primary: within(primary, name), replicas: replicas.map((url) => within(url, name)) }
}

function within(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
