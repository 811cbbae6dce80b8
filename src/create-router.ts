import type { Connector, NodeEvents, OpenNode } from './adapters/adapter'
import { Balancers } from './balancing/balancers'
import { Runner } from './execution/runner'
import { databaseSnapshot, type NodeSnapshot } from './nodes/node'
import { Counters } from './observe/counters'
import { Reporter } from './observe/reporter'
import {
  resolveOptions,
  type Databases,
  type NamedNode,
  type ResolvedDatabase,
  type RouterOptions,
} from './options'
import type { Role } from './routing/decision'
import { Instances } from './routing/instances'
import { frozenGroups } from './routing/read-from'
import { RouterChain } from './routing/router-chain'
import type { KnownNodes } from './routing/target'
import type { RoutedDatabase } from './ports'
import { reachOf } from './reach'
import { Router } from './router'
import { Contexts } from './scope/context'
import { Classifier } from './statement/classifier'

/**
 * Makes a router over the databases. Nothing connects before the first statement.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION` for every option that is unknown, contradictory or malformed, by path
 */
export function createRouter<const D extends Databases>(options: RouterOptions<D>): Router<D> {
  const { databases, models, routers, mode, rollout, random } = resolveOptions(options)
  const contexts = new Contexts()
  const counters = new Counters()
  const reporter = new Reporter(counters)
  const events: NodeEvents = {
    writableReplica: (nodeId, found) => {
      reporter.warn('SPLITPOOL_WRITABLE_REPLICA', `Replica ${nodeId} takes writes: ${found}`)
    },
  }

  const routed = new Map<string, RoutedDatabase>()
  const known = new Map<string, KnownNodes>()
  for (const resolved of databases) {
    const { alias, balancer, reads, readFrom, functions } = resolved
    const { adapter, dialect } = resolved.database
    const snapshot = snapshotOf(resolved)
    for (const { id, role } of snapshot.nodes) counters.addNode(id, role)
    const settings = [resolved.primary, ...resolved.replicas].map((node) => node.settings)
    const open = (openNode: OpenNode): ReadonlyMap<string, Connector> =>
      new Map(
        snapshot.nodes.map(({ id, role }, index) => [
          id,
          openNode(settings[index], { id, role, dialect }, events),
        ]),
      )
    const classifier = new Classifier(dialect, functions)
    known.set(alias, snapshot)
    routed.set(alias, {
      alias,
      dialect,
      adapter,
      classifier,
      balancers: new Balancers(balancer, random),
      reads,
      readFrom: frozenGroups(readFrom),
      snapshot,
      connectors: open((...node) => adapter.openNode(...node)),
      open,
    })
  }
  return new Router<D>({
    databases: routed,
    rules: {
      databases: known,
      models,
      chain: new RouterChain(routers, known),
      instances: new Instances(),
      reach: reachOf(routed),
    },
    mode,
    rollout,
    random,
    contexts,
    counters,
    runner: new Runner(reporter, (run) => contexts.outside(run)),
  })
}

function snapshotOf({ primary, replicas }: ResolvedDatabase): ReturnType<typeof databaseSnapshot> {
  const node = ({ id, weight, tags, reads }: NamedNode, role: Role): NodeSnapshot => ({
    id,
    role,
    weight,
    tags,
    reads,
    healthy: true,
    held: false,
  })
  return databaseSnapshot(
    node(primary, 'primary'),
    replicas.map((replica) => node(replica, 'replica')),
  )
}
