import type { IncomingMessage, ServerResponse } from 'node:http'
import { SplitpoolError } from '../errors'
import { record, refuse, refuseUnknown } from '../refuse'
import type { Awaitable, WayBack } from '../scope/context'
import type { ReadPreference } from '../routing/read-preference'
import type { ScopeAttributes } from '../routing/scope-attributes'
import type { FrameOptions, ScopeOptions } from '../scope/scope-options'
import { bindListeners, bindWrites, type BindListener } from './bind-listeners'

/** What a request asks for. `Request` is the framework's own. */
export interface RequestScopeOptions<Request> extends Omit<FrameOptions, 'alias'> {
  /**
   * The database of all that follows, as `router.using`, or what finds it by host or header: `undefined` and `null` leave
   * it open. What a function answers must be the alias of a database; one node of it only a text here may name.
   */
  readonly alias?: string | ((request: Request) => string | null | undefined)
  /** What balancers and rollouts go by, asked for when they need it: the user may be known later than the scope. */
  readonly attributes?: (request: Request) => ScopeAttributes | undefined
  /**
   * The methods whose requests only read; `true` for GET and HEAD, an empty array for none. Reads of the others go to the
   * primary, so that what they read before they write is not old. Of several in one request the innermost holds; `false`
   * is all methods alike, as is the default.
   */
  readonly safeMethods?: boolean | readonly string[]
  /** Requests that get no scope: by function, or by the beginning of their path (`['/static']`). Default none. */
  readonly skip?: readonly string[] | ((request: Request) => boolean)
}

/** A router, to what opens scopes for requests. */
export interface ScopeSource {
  scope<T>(fn: () => T, options?: ScopeOptions): Awaitable<T>
  with<T>(options: FrameOptions, fn: () => T): Awaitable<T>
  bind<This, Given extends unknown[], Result>(
    fn: (this: This, ...given: Given) => Result,
  ): (this: This, ...given: Given) => Result
  /** @internal */
  wayBack(begins: boolean): WayBack
}

/** A request as it came, and as the framework shows it to the functions among the options. */
export interface Asking<Request> {
  readonly request: Request
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  /** The path and what follows it, as the client sent it. */
  readonly url: string
}

/** The scope that a request has in one router. */
interface Visit {
  readonly attributes: unknown
  /** To where it has come, with all frames. */
  back: WayBack
  asked: AskedReads
}

/** Where a request has asked to read from, up to where it has come. */
interface AskedReads {
  /** What the innermost `reads` says. */
  readonly reads: ReadPreference | undefined
  /** Whether the innermost `safeMethods` sent them to the primary. */
  readonly unsafe: boolean
}

const NOTHING_ASKED: AskedReads = { reads: undefined, unsafe: false }

/** The scopes of each request that is under way. */
const visitsOf = new WeakMap<IncomingMessage, Map<ScopeSource, Visit>>()

const OPTIONS = [
  'alias',
  'reads',
  'readFrom',
  'balancer',
  'readOnly',
  'attributes',
  'safeMethods',
  'skip',
] as const

/** A token, as HTTP has it. */
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/

/** Opens one scope for each request, and narrows the one that is there. */
export class RequestScopes<Request> {
  readonly #router: ScopeSource
  readonly #options: RequestScopeOptions<Request>
  readonly #isSafe: ((method: string) => boolean) | null
  readonly #skips: (asking: Asking<Request>) => boolean

  /** @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE` */
  constructor(router: ScopeSource, options: RequestScopeOptions<Request>) {
    checkSource(router)
    refuseUnknown(record(options, 'options'), OPTIONS, 'options')
    const { alias, attributes, safeMethods, skip } = options
    if (attributes !== undefined && typeof attributes !== 'function')
      refuse('options.attributes', 'a function that takes the request', attributes)
    this.#router = router
    this.#options = options
    this.#isSafe = safety(safeMethods)
    this.#skips = skipping(skip)
    // What is wrong with the others is said now, not to the first request.
    router.with(
      frameOf(options, typeof alias === 'function' ? undefined : alias, options.reads),
      () => undefined,
    )
  }

  /**
   * `next`, to run in the scope of the request, narrowed to these options where it has one already.
   *
   * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`; and whatever the functions of the options throw
   */
  entering(asking: Asking<Request>, next: () => void): () => void {
    if (this.#skips(asking)) return next
    const visit = visitsOf.get(asking.raw)?.get(this.#router)
    const frame = this.#frame(asking, visit?.asked ?? NOTHING_ASKED)
    return visit === undefined ? this.#open(asking, frame, next) : this.#narrow(visit, asking, frame, next)
  }

  #open({ request, raw, response }: Asking<Request>, frame: FrameOptions, next: () => void): () => void {
    const router = this.#router
    const { attributes } = this.#options
    const about: Pick<ScopeOptions, 'attributes'> =
      attributes === undefined ? {} : { attributes: () => attributes(request) }
    const opened = (): (() => void) => {
      const visits = visitsOf.get(raw) ?? begin(raw, response)
      visits.set(router, { attributes, back: router.wayBack(true), asked: this.#asked(raw, NOTHING_ASKED) })
      return router.bind(next)
    }
    return router.scope(opened, { ...frame, ...about })
  }

  #narrow(visit: Visit, { raw }: Asking<Request>, frame: FrameOptions, next: () => void): () => void {
    const { attributes } = this.#options
    if (attributes !== undefined && attributes !== visit.attributes)
      refuse('options.attributes', 'none, since the request has its scope already', attributes)
    const narrowed = (): (() => void) => {
      visit.back = this.#router.wayBack(false)
      visit.asked = this.#asked(raw, visit.asked)
      return this.#router.bind(next)
    }
    return visit.back(() => this.#router.with(frame, narrowed))
  }

  #frame({ request, raw }: Asking<Request>, outer: AskedReads): FrameOptions {
    const { alias } = this.#options
    const given = typeof alias === 'function' ? databaseOf(alias(request)) : alias
    return frameOf(this.#options, given, this.#reads(raw, outer))
  }

  /** Where reads go from here on; `undefined` leaves it as it is. */
  #reads({ method = '' }: IncomingMessage, outer: AskedReads): ReadPreference | undefined {
    const { reads } = this.#options
    if (this.#isSafe === null) return reads
    if (!this.#isSafe(method)) return 'primary'
    return reads ?? (outer.unsafe ? (outer.reads ?? 'prefer-replica') : undefined)
  }

  #asked({ method = '' }: IncomingMessage, outer: AskedReads): AskedReads {
    const unsafe = this.#isSafe === null ? outer.unsafe : !this.#isSafe(method)
    return { reads: this.#options.reads ?? outer.reads, unsafe }
  }
}

/** Has the listeners of a request, from now on, run in the scopes that it has when they are added. */
function begin(raw: IncomingMessage, response: ServerResponse): Map<ScopeSource, Visit> {
  const visits = new Map<ScopeSource, Visit>()
  visitsOf.set(raw, visits)
  const bind: BindListener = (listener) =>
    [...visits].reduce((bound, [router, visit]) => visit.back(() => router.bind(bound)), listener)
  bindListeners(raw, bind)
  bindListeners(response, bind)
  bindWrites(response, bind)
  return visits
}

/** Runs `fn` in the scope that the request has in this router, if the code around it has lost it. */
export function inScopeOf<T>(raw: IncomingMessage, router: ScopeSource, fn: () => T): T {
  const visit = visitsOf.get(raw)?.get(router)
  return visit === undefined ? fn() : visit.back(fn)
}

function checkSource(router: ScopeSource): void {
  const given = router as Partial<ScopeSource> | null | undefined
  if (typeof given?.wayBack !== 'function') refuse('router', 'what createRouter returns', router)
}

function frameOf(
  { readFrom, balancer, readOnly }: Omit<FrameOptions, 'alias' | 'reads'>,
  alias: string | undefined,
  reads: ReadPreference | undefined,
): FrameOptions {
  return {
    ...(alias === undefined ? {} : { alias }),
    ...(reads === undefined ? {} : { reads }),
    ...(readFrom === undefined ? {} : { readFrom }),
    ...(balancer === undefined ? {} : { balancer }),
    ...(readOnly === undefined ? {} : { readOnly }),
  }
}

/** Of an alias that is found: what is longer stands in the message cut, and is none. */
const LONGEST = 80

/** A client may have written it, and which server serves it is not a client's to choose. */
function databaseOf(answer: unknown): string | undefined {
  if (answer === undefined || answer === null) return undefined
  if (typeof answer !== 'string') refuse('options.alias', 'an alias from the function', answer)
  const shown = answer.length > LONGEST ? `${answer.slice(0, LONGEST)}…` : answer
  if (!answer.includes(':')) return shown
  throw new SplitpoolError(
    'ERR_UNKNOWN_ALIAS',
    `Unknown database alias ${JSON.stringify(shown)}; options.alias may answer with a database, not with one of its nodes`,
  )
}

/** What tells whether a method only reads; `null` where that is not asked. */
function safety(given: boolean | readonly string[] | undefined): ((method: string) => boolean) | null {
  if (given === undefined) return null
  if (given === false) return () => true
  const methods = given === true ? ['GET', 'HEAD'] : given
  if (!areTexts(methods)) refuse('options.safeMethods', `true, false or an array of methods`, given)
  methods.forEach((method, index) => {
    if (!METHOD.test(method)) refuse(`options.safeMethods[${index}]`, `a method, such as 'GET'`, method)
  })
  const safe = new Set(methods.map((method) => method.toUpperCase()))
  return (method) => safe.has(method)
}

function skipping<Request>(skip: RequestScopeOptions<Request>['skip']): (asking: Asking<Request>) => boolean {
  if (skip === undefined) return () => false
  if (typeof skip === 'function') return ({ request }) => yesOrNo(skip(request))
  if (!areTexts(skip) || !skip.every((prefix) => prefix.startsWith('/')))
    refuse('options.skip', `a function or an array of paths, such as ['/static']`, skip)
  const prefixes = skip.map((prefix) => prefix.replace(/\/+$/, ''))
  return ({ url }) => prefixes.some((prefix) => isBelow(url, prefix))
}

/** A promise, which is true, would skip every request. */
function yesOrNo(answer: unknown): boolean {
  if (typeof answer !== 'boolean') refuse('options.skip', 'true or false from the function', answer)
  return answer
}

/** `/static` is below it, and so are `/static/a.css` and `/static?a`; `/statics` is not. */
function isBelow(url: string, prefix: string): boolean {
  return url.startsWith(prefix) && ['/', '?', '#', undefined].includes(url[prefix.length])
}

function areTexts(given: unknown): given is readonly string[] {
  return Array.isArray(given) && given.every((text) => typeof text === 'string')
}
