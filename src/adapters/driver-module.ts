import { SplitpoolError } from '../errors'
import { refuse } from '../refuse'
import type { Connector, NodeEvents, NodeIdentity, OpenNode, PoolSource } from './adapter'
import type { NodeSettings } from './resolve-node'

/**
 * Which database, or node of it, a pool or client is for that an ORM makes: the one that its `host` names, as in
 * `users` or `users:primary`, else the one that the module was made for.
 */
export function targetOf(router: PoolSource, host: unknown, otherwise: string): string {
  if (typeof host !== 'string') return otherwise
  try {
    router.describe(host)
    return host
  } catch (error) {
    // The name of a server. `users:replica-9`, though, is a node of a database that has no such node.
    if ((error as SplitpoolError).code === 'ERR_UNKNOWN_ALIAS') return otherwise
    throw error
  }
}

/** @throws {SplitpoolError} `ERR_INVALID_OPTION` for what is no router */
export function checkRouter(router: PoolSource): void {
  const given = router as Partial<PoolSource> | null | undefined
  if (typeof given?.describe !== 'function') refuse('router', 'what createRouter returns', router)
}

/**
 * Checks what a driver module is made of.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`, `ERR_DIALECT_MISMATCH`
 */
export function checkModule(router: PoolSource, alias: string, driver: string): void {
  checkRouter(router)
  const { driver: actual } = router.describe(alias)
  if (actual !== driver) {
    throw new SplitpoolError(
      'ERR_DIALECT_MISMATCH',
      `${JSON.stringify(alias)} is a database of ${actual}, and this is the driver module of ${driver}`,
    )
  }
}

/** How a driver module makes its nodes. */
interface Making {
  /** The options that say where a server is and who asks. */
  readonly address: readonly string[]
  /** The options of a pool that the application made. */
  readonly optionsOf: (pool: object) => object
  readonly make: (settings: NodeSettings, node: NodeIdentity, events: NodeEvents) => Connector
}

/** Opens nodes with an ORM's options at the nodes' own addresses. */
export function openerOf(given: object, { address, optionsOf, make }: Making): OpenNode {
  const own = without(given, address)
  return (settings, node, events) => {
    const from = settings as NodeSettings
    const merged: NodeSettings =
      from.kind === 'options'
        ? { ...from, options: { ...from.options, ...own } }
        : { kind: 'options', url: null, options: { ...only(optionsOf(from.pool), address), ...own } }
    return make(merged, node, events)
  }
}

/** The driver's options without those of `keys`, and without what is undefined, which would hide the node's. */
export function without(options: unknown, keys: readonly string[]): Record<string, unknown> {
  if (typeof options !== 'object' || options === null) return {}
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => value !== undefined && !keys.includes(key)),
  )
}

/** These of the options alone, also those that do not show (pg hides its password). */
function only(options: object, keys: readonly string[]): Record<string, unknown> {
  const given = options as Readonly<Record<string, unknown>>
  return Object.fromEntries(keys.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])))
}
