import { record, refuse } from '../refuse'
import type { ResolvedNode } from './adapter'

/** A node as the application gave it: a pool of its own, or what the driver makes one from. */
export type NodeSettings =
  | { readonly kind: 'pool'; readonly pool: object }
  | {
      readonly kind: 'options'
      readonly url: string | null
      readonly options: Readonly<Record<string, unknown>>
    }

/** What every node takes besides the options of its driver. */
export interface NodeOptions<Pool> {
  /** `scheme://user:password@host:port/database`. */
  readonly url?: string
  /** A pool that the application made, and ends. Goes with `id`, `weight`, `tags` and `reads` alone. */
  readonly pool?: Pool
  /** A replica's name: letters, digits, _ and -. Default: `replica-1`, `replica-2`, … in their order. */
  readonly id?: string
  /**
   * Its share of the reads relative to the others, from 0.000001 to 1000000. Default 1 for a replica. A primary with a
   * weight is one of the nodes that reads are spread over; by default it is not.
   */
  readonly weight?: number
  /** Words that `readFrom` and balancers go by. Default none. */
  readonly tags?: readonly string[]
  /** `false` for a replica that gets no reads but those that name it: a backup. Default true. */
  readonly reads?: boolean
}

/** What differs from driver to driver. */
export interface NodeShape {
  /** The schemes of its URLs, as in `postgres:`. */
  readonly protocols: readonly string[]
  /** The driver's own option for a URL. */
  readonly urlOption: string
  isPool(value: object): boolean
  /** What the driver takes in `urlOption` besides; nothing by default. */
  alsoUrl?(value: string): boolean
  /** The driver refuses a % that encodes nothing. */
  readonly strictPercent?: boolean
}

/** The options of a database, whatever came: without any, its `primary` is missed by path. */
export function nodesOptions(given: unknown): Readonly<Record<string, unknown>> {
  return typeof given === 'object' && !Array.isArray(given) ? { ...given } : {}
}

/** The driver's own pool behind a wrapper (`mysql2/promise` keeps it in `pool`), or the pool itself. */
function corePool(given: object): object {
  const { pool } = given as { readonly pool?: unknown }
  return typeof pool === 'object' && pool !== null ? pool : given
}

/**
 * Reads a node: a URL, the driver's options with `id`, `weight`, `tags`, `reads` and `url` besides, a pool, or `{ pool, … }`.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`
 */
export function resolveNode(given: unknown, path: string, shape: NodeShape): ResolvedNode {
  if (typeof given === 'string') return { ...UNNAMED, settings: fromUrl(given, path, shape) }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    refuse(path, 'a URL, options of the driver, or a pool', given)
  }
  if (shape.isPool(given))
    return { ...UNNAMED, pool: corePool(given), settings: { kind: 'pool', pool: given } }

  const { id, weight, tags = [], reads, url, pool, ...options } = record(given, path)
  if (id !== undefined && typeof id !== 'string') refuse(`${path}.id`, 'a string', id)
  if (weight !== undefined && !isWeight(weight)) {
    refuse(`${path}.weight`, 'a number from 0.000001 to 1000000', weight)
  }
  if (reads !== undefined && typeof reads !== 'boolean') refuse(`${path}.reads`, 'true or false', reads)
  if (!Array.isArray(tags) || !tags.every(isTag)) {
    refuse(`${path}.tags`, `an array of strings, none of them empty or '*'`, tags)
  }
  const named = {
    id: id ?? null,
    weight: weight ?? null,
    tags: Object.freeze([...tags]),
    reads: reads ?? null,
  }
  if (pool === undefined) {
    if (url === undefined && Object.keys(options).length === 0) {
      refuse(path, 'a url, options of the driver, or a pool', given)
    }
    if (url !== undefined && typeof url !== 'string') refuse(`${path}.url`, 'a URL', url)
    const own = options[shape.urlOption]
    if (url !== undefined && own !== undefined) refuse(path, `either url or ${shape.urlOption}`, given)
    if (own !== undefined) checkOwnUrl(own, `${path}.${shape.urlOption}`, shape)
    refuseMisspelt(options, path)
    const settings =
      url === undefined ? ({ kind: 'options', url: null } as const) : fromUrl(url, `${path}.url`, shape)
    return { ...named, pool: null, settings: { ...settings, options } }
  }
  if (typeof pool !== 'object' || pool === null || !shape.isPool(pool)) {
    refuse(`${path}.pool`, `a pool of the driver`, pool)
  }
  const beside = Object.keys(url === undefined ? options : { url, ...options })
  if (beside.length > 0) {
    refuse(path, `either a pool or options, since a pool has its options already`, {
      pool,
      ...Object.fromEntries(beside.map((key) => [key, 0])),
    })
  }
  return { ...named, pool: corePool(pool), settings: { kind: 'pool', pool } }
}

const UNNAMED = { id: null, pool: null, weight: null, tags: Object.freeze([]), reads: null } as const

/** Within bounds in which the sums and the ratios that balancers make of weights stay exact enough. */
function isWeight(weight: unknown): weight is number {
  return typeof weight === 'number' && weight >= 1e-6 && weight <= 1e6
}

/** `'*'` is any node to `readFrom`. */
function isTag(tag: unknown): tag is string {
  return typeof tag === 'string' && tag !== '' && tag !== '*'
}

function fromUrl(
  url: string,
  path: string,
  shape: NodeShape,
): { kind: 'options'; url: string; options: object } {
  checkUrl(url, path, shape)
  return { kind: 'options', url, options: {} }
}

/** The driver's own errors of a URL show it with its password. */
function checkUrl(url: string, path: string, { protocols, strictPercent = false }: NodeShape): void {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !protocols.includes(parsed.protocol)) {
    refuse(path, `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`, url)
  }
  if (!strictPercent) return
  const { username, password, hostname, pathname } = parsed
  if (![username, password, hostname, pathname].every(isEncoded)) {
    refuse(path, 'a URL in which a % begins an escape (a % itself is %25)', url)
  }
}

function checkOwnUrl(url: unknown, path: string, shape: NodeShape): void {
  if (typeof url !== 'string') refuse(path, 'a URL', url)
  if (shape.alsoUrl?.(url) !== true) checkUrl(url, path, shape)
}

function isEncoded(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

const OWN_KEYS = ['id', 'weight', 'tags', 'reads', 'url', 'pool']

/** The drivers pass over what they do not know, so that `wieght` or `Tags` would be lost without a word. */
function refuseMisspelt(options: Readonly<Record<string, unknown>>, path: string): void {
  for (const key of Object.keys(options)) {
    const meant = OWN_KEYS.find((own) => letters(own) === letters(key))
    if (meant !== undefined) refuse(`${path}.${key}`, `the option to be called ${meant}`, options[key])
  }
}

/** The same for a key in other case, in the plural, or with letters exchanged. */
function letters(key: string): string {
  return Array.from(key.toLowerCase().replace(/s$/, '')).sort().join('')
}
