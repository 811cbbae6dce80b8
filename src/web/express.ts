import type { IncomingMessage, ServerResponse } from 'node:http'
import { RequestScopes, type RequestScopeOptions, type ScopeSource } from './request-scopes'

export type { RequestScopeOptions, ScopeSource } from './request-scopes'

/** A middleware for Express 4 and 5, connect, and whatever else calls `(request, response, next)`. */
export type RequestScope<Request extends IncomingMessage = IncomingMessage> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A middleware that runs all that follows in one scope: the first one of a request opens it, further ones, on a route
 * or a sub-router, narrow what is asked for there. What the application adds to `request` and `response` as a listener
 * runs in the scope too. Errors, those of the options' functions included, go to `next`.
 *
 * @throws {SplitpoolError} `ERR_INVALID_OPTION`, `ERR_UNKNOWN_ALIAS`, `ERR_UNKNOWN_NODE`
 */
export function requestScope<Request extends IncomingMessage = IncomingMessage>(
  router: ScopeSource,
  options: RequestScopeOptions<Request> = {},
): RequestScope<Request> {
  const scopes = new RequestScopes(router, options)
  return (request, response, next) => {
    // Express takes the mount path of a sub-application off `url`.
    const { originalUrl = request.url ?? '' } = request as { readonly originalUrl?: string } & Request
    let enter: () => void
    try {
      enter = scopes.entering({ request, raw: request, response, url: originalUrl }, () => {
        next()
      })
    } catch (error) {
      next(error)
      return
    }
    // Not above: what follows may throw too, and that is not ours to pass on.
    enter()
  }
}
