import type { FastifyContextConfig, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { refuse } from '../refuse'
import type { Router } from '../router'
import { inScopeOf, RequestScopes, type RequestScopeOptions, type ScopeSource } from './request-scopes'

export type { RequestScopeOptions, ScopeSource } from './request-scopes'

export interface SplitpoolPluginOptions extends RequestScopeOptions<FastifyRequest> {
  readonly router: ScopeSource & Pick<Router, 'close'>
  /** Whether `app.close()` closes the router too. Default false: whoever made it closes it. */
  readonly close?: boolean
}

/** What a route asks for (`config: { splitpool: … }`): the options of the plugin, narrowed; `false` for no scope. */
export type RouteScopeOptions = Omit<RequestScopeOptions<FastifyRequest>, 'attributes' | 'skip'>

/** Name the type of your router here, by declaration merging (`router: typeof router`), and `app.splitpool` has it. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- to be merged with
export interface SplitpoolTypes {}

declare module 'fastify' {
  interface FastifyContextConfig {
    splitpool?: RouteScopeOptions | false
  }
  interface FastifyInstance {
    /** The router of the plugin. */
    readonly splitpool: SplitpoolTypes extends { router: infer R } ? R : Router
  }
}

/** What Fastify itself was told when the plugin was registered, which it hands on with the options. */
const REGISTERED = ['prefix', 'logLevel', 'logSerializers']

// eslint-disable-next-line @typescript-eslint/require-await -- of what it throws itself, Fastify takes a rejection alone
const plugin: FastifyPluginAsync<SplitpoolPluginOptions> = async (fastify, given) => {
  const { router, close = false, ...rest } = given
  if (typeof close !== 'boolean') refuse('options.close', 'true or false', close)
  const options = Object.fromEntries(Object.entries(rest).filter(([key]) => !REGISTERED.includes(key)))
  const scopes = new RequestScopes<FastifyRequest>(router, options)
  const routes = routeScopes(router)

  if (!Object.hasOwn(fastify, 'splitpool')) fastify.decorate('splitpool', router as never)
  fastify.addHook('onRoute', ({ config }) => {
    routes(config)
  })
  fastify.addHook('onRequest', (request, reply, done) => {
    const { config } = request.routeOptions
    if (config.splitpool === false) {
      done()
      return
    }
    const asking = { request, raw: request.raw, response: reply.raw, url: request.originalUrl }
    let enter: () => void
    try {
      enter = scopes.entering(asking, done)
      enter = routes(config)?.entering(asking, done) ?? enter
    } catch (error) {
      done(error as Error)
      return
    }
    enter()
  })
  // Where Fastify calls from an event of the socket's, or a hook before came back from elsewhere.
  const back = ({ raw }: FastifyRequest, _reply: unknown, done: () => void): void => {
    inScopeOf(raw, router, done)
  }
  for (const hook of ['preValidation', 'preHandler', 'onResponse', 'onTimeout'] as const)
    fastify.addHook(hook as 'onResponse', back)
  fastify.addHook('onRequestAbort', ({ raw }, done) => {
    inScopeOf(raw, router, done)
  })
  if (close) fastify.addHook('onClose', () => router.close())
}

/**
 * A plugin for Fastify 5 that runs each request in one scope, from its first hook to `onResponse`. It holds where it is
 * registered and below: for the whole application, or for the plugin that registers it. Registered again below, it
 * narrows. What is wrong with its options, or with those of a route, ends the start of the application.
 */
export const splitpool = Object.assign(plugin, {
  // Without it, hooks would hold in the plugin alone; the library that sets it, fastify-plugin, does no more.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'splitpool',
  [Symbol.for('plugin-meta')]: { name: 'splitpool', fastify: '5.x' },
})

/** The scopes of routes by what they ask for, read once. */
function routeScopes(
  router: ScopeSource,
): (config: FastifyContextConfig | undefined) => RequestScopes<FastifyRequest> | null {
  const known = new Map<object, RequestScopes<FastifyRequest>>()
  return (config) => {
    const asked = config?.splitpool
    if (asked === undefined || asked === false) return null
    let scopes = known.get(asked)
    if (scopes === undefined) known.set(asked, (scopes = new RequestScopes(router, asked)))
    return scopes
  }
}
