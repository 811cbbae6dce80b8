import type { Connector, ServerIdentity } from './adapters/adapter'
import type { Connectors } from './ports'
import type { Reach } from './routing/which-database'

/** What is looked at of a database. */
interface Known {
  readonly connectors: Connectors
}

/** Finds which databases are on the same servers, by the addresses that their nodes were given, and remembers it. */
export function reachOf(databases: ReadonlyMap<string, Known>): Reach {
  const found = new Map<string, ReturnType<Reach>>()
  return (alias, other) => {
    const pair = `${alias} ${other}`
    let reach = found.get(pair)
    if (reach === undefined) found.set(pair, (reach = between(databases.get(alias), databases.get(other))))
    return reach
  }
}

function between(one: Known | undefined, other: Known | undefined): ReturnType<Reach> {
  const [primary, ...replicas] = serversOf(one)
  const [otherPrimary, ...others] = serversOf(other)
  if (primary === undefined || otherPrimary === undefined) return 'none'
  if (primary.server !== otherPrimary.server || !sameServers(replicas, others)) return 'none'
  return primary.schema === otherPrimary.schema ? 'all' : 'qualified'
}

/** The primary's first; empty where one of them cannot be told. */
function serversOf(database: Known | undefined): readonly ServerIdentity[] {
  const servers = [...(database?.connectors.values() ?? [])].map(({ server }: Connector) => server ?? null)
  return servers.every((server) => server !== null) ? servers : []
}

function sameServers(these: readonly ServerIdentity[], those: readonly ServerIdentity[]): boolean {
  const has = (among: readonly ServerIdentity[], { server }: ServerIdentity): boolean =>
    among.some((each) => each.server === server)
  return these.every((each) => has(those, each)) && those.every((each) => has(these, each))
}
