import express, { type Request } from 'express'
import fastify from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Pool } from 'pg'
import { createRouter } from 'splitpool'
import { requestScope, type RequestScopeOptions } from 'splitpool/express'
import { splitpool } from 'splitpool/fastify'
import { postgres } from 'splitpool/pg'

const router = createRouter({ databases: { default: postgres({ primary: 'postgres://app@db1/app' }) } })

declare module 'splitpool/fastify' {
  interface SplitpoolTypes {
    router: typeof router
  }
}

const app = express()
app.use(requestScope(router))
app.use(
  requestScope(router, {
    reads: 'prefer-replica',
    safeMethods: true,
    skip: ['/static'],
    alias: (request: Request) => request.get('x-database'),
    attributes: (request: Request) => ({ user: request.ip }),
  }),
)
app.get('/reports', requestScope(router, { readOnly: true, readFrom: ['reports', '*'] }))

export const plain: RequestScopeOptions<IncomingMessage> = { skip: ({ url }) => url === '/health' }

// @ts-expect-error: no such option
requestScope(router, { readonly: true })
// @ts-expect-error: no such preference
requestScope(router, { reads: 'master' })

export async function start(): Promise<Pool> {
  const server = fastify()
  await server.register(splitpool, { router, close: true, alias: ({ hostname }) => hostname.split('.')[0] })
  server.get('/reports', { config: { splitpool: { readOnly: true } } }, () => 'none')
  server.get('/health', { config: { splitpool: false } }, () => 'well')
  // @ts-expect-error: no such preference
  server.get('/bad', { config: { splitpool: { reads: 'master' } } }, () => 'none')
  return server.splitpool.pool()
}

export const bound: (n: number) => string = router.bind((n: number) => String(n))
