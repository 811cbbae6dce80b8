import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import type { Router } from '../../src'
import { splitpool } from '../../src/web/fastify'
import { dial, gate, stage } from './web-stage'

const apps: FastifyInstance[] = []

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

function started(): FastifyInstance {
  const app = fastify({ forceCloseConnections: true })
  app.setErrorHandler((error: Error & { code?: string }, _request, reply) =>
    reply.code(500).send(`${error.code ?? 'none'}: ${error.message}`),
  )
  apps.push(app)
  return app
}

async function listening(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

async function text(app: FastifyInstance, url: string, how: object = {}): Promise<string> {
  return (await app.inject({ url, ...how })).payload
}

describe('splitpool for Fastify', () => {
  it('is one scope through every hook, the parser, the handler and what comes after', async () => {
    const { router, here, outside } = stage()
    const seen: [string, string][] = []
    const done = gate()
    const note = (what: string): void => void seen.push([what, here()])
    const app = started()
    await app.register(splitpool, { router })
    app.addHook('onRequest', async (request, reply) => {
      note('onRequest')
      request.raw.on('end', () => {
        note('end')
      })
      reply.raw.on('close', () => {
        note('close')
        setTimeout(() => {
          note('timer')
          done.open()
        }, 1)
      })
      await Promise.resolve()
    })
    app.addHook('preParsing', (_request, _reply, payload, next) => {
      note('preParsing')
      next(null, payload)
    })
    app.addContentTypeParser('text/own', (_request, payload, parsed) => {
      let body = ''
      payload.on('data', (piece: Buffer) => {
        note('data')
        body += piece.toString()
      })
      payload.on('end', () => {
        note('parsed')
        parsed(null, body)
      })
    })
    app.addHook('preValidation', (_request, _reply, next) => {
      note('preValidation')
      next()
    })
    app.addHook('preHandler', (_request, _reply, next) => {
      note('preHandler')
      next()
    })
    app.addHook('preSerialization', (_request, _reply, payload, next) => {
      note('preSerialization')
      next(null, payload)
    })
    app.addHook('onSend', (_request, _reply, payload, next) => {
      note('onSend')
      next(null, payload)
    })
    app.addHook('onResponse', (_request, _reply, next) => {
      note('onResponse')
      next()
    })
    app.post('/', async ({ body }) => {
      await new Promise(setImmediate)
      note('handler')
      return { body }
    })
    const port = await listening(app)
    const { say, hear } = await dial(port)
    await say(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/own\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    )
    while (!seen.some(([what]) => what === 'data')) await new Promise(setImmediate)
    await say('1\r\nb\r\n0\r\n\r\n')
    expect(await hear('"}')).toContain('{"body":"ab"}')
    await done.opened
    expect(
      seen.map(([what]) => what).filter((what) => !['end', 'close', 'timer', 'onResponse'].includes(what)),
    ).toEqual([
      'onRequest',
      'preParsing',
      'data',
      'data',
      'parsed',
      'preValidation',
      'preHandler',
      'handler',
      'preSerialization',
      'onSend',
    ])
    expect(seen.map(([what]) => what)).toEqual(
      expect.arrayContaining(['end', 'close', 'timer', 'onResponse']),
    )
    expect(new Set(seen.map(([, scope]) => scope)).size).toBe(1)
    expect(seen[0]![1]).not.toBe(outside)
  })

  it.each(['application/json', 'text/plain', 'application/x-own'])(
    'is not lost in the parser of %s',
    async (type) => {
      const { router, here } = stage()
      const app = started()
      await app.register(splitpool, { router })
      app.addContentTypeParser('application/x-own', { parseAs: 'string' }, (_request, body, done) => {
        done(null, body)
      })
      const scopes: string[] = []
      app.addHook('onRequest', (_request, _reply, done) => {
        scopes.push(here())
        done()
      })
      app.post('/', (_request, reply) => {
        scopes.push(here())
        return reply.send('done')
      })
      const { say, hear } = await dial(await listening(app))
      await say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n"`)
      while (scopes.length === 0) await new Promise(setImmediate)
      await say('"')
      await hear('done')
      expect(scopes).toHaveLength(2)
      expect(new Set(scopes).size).toBe(1)
    },
  )

  it('keeps pipelined requests apart, to onResponse', async () => {
    const { router, here } = stage()
    const seen: Record<string, string[]> = { '/1': [], '/2': [] }
    const [second, last] = [gate(), gate()]
    const app = started()
    await app.register(splitpool, { router })
    app.addHook('onResponse', async ({ url }) => {
      seen[url]!.push(here())
      if (url === '/2') last.open()
      await Promise.resolve()
    })
    app.get('/:id', async ({ url }) => {
      seen[url]!.push(here())
      if (url === '/2') second.open()
      else await second.opened
      return 'done'
    })
    const { say } = await dial(await listening(app))
    await say('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
    await last.opened
    expect([seen['/1']!.length, seen['/2']!.length]).toEqual([2, 2])
    expect([new Set(seen['/1']).size, new Set(seen['/2']).size]).toEqual([1, 1])
    expect(seen['/1']![0]).not.toBe(seen['/2']![0])
  })

  it.each([
    ['onRequest', 'preValidation'],
    ['preValidation', 'preHandler'],
  ] as const)(
    'leads back into the scope, where a hook at %s lost it to another request, at %s',
    async (lost, back) => {
      const { router, here } = stage()
      const queue: (() => void)[] = []
      const waiting = gate()
      const scopes = new Map<string, string>()
      const found = new Map<string, boolean>()
      const app = started()
      await app.register(splitpool, { router })
      app.addHook('onRequest', ({ url }, _reply, done) => {
        scopes.set(url, here())
        done()
      })
      app.addHook(lost as 'preValidation', ({ url }, _reply, done) => {
        if (url !== '/waits') {
          done()
          return
        }
        queue.push(done)
        waiting.open()
      })
      app.addHook(back as 'preValidation', ({ url }, _reply, done) => {
        found.set(url, here() === scopes.get(url))
        done()
      })
      app.get('/:id', (request, reply) => {
        if (request.url === '/gives') queue.pop()!()
        void reply.send(String(here() === scopes.get(request.url)))
      })
      const waits = text(app, '/waits')
      await waiting.opened
      expect(await text(app, '/gives')).toBe('true')
      expect(await waits).toBe('true')
      expect(found.get('/waits')).toBe(true)
    },
  )

  it('leaves the frames of the application as they are, where nothing was lost', async () => {
    const { router, query } = stage()
    const app = started()
    await app.register(splitpool, { router })
    app.addHook('onRequest', (_request, _reply, done) => {
      router.with({ readOnly: true }, done)
    })
    app.get('/', () => query('DELETE FROM t'))
    expect(await text(app, '/')).toMatch(/^ERR_READ_ONLY/)
  })

  it('leaves a scope of the application inside that of the request as it is', async () => {
    const { router, here } = stage()
    const seen: string[] = []
    const app = started()
    await app.register(splitpool, { router })
    app.addHook('onRequest', (_request, _reply, done) => {
      router.scope(() => {
        seen.push(here())
        done()
      })
    })
    app.get('/', () => here())
    expect([await text(app, '/')]).toEqual(seen)
  })

  it('holds when the client goes away', async () => {
    const { router, here } = stage()
    const [begun, aborted] = [gate<string>(), gate<string>()]
    const app = started()
    // What is before the plugin may take its time: then Fastify listens to the request sooner than the plugin.
    app.addHook('onRequest', async () => {
      await new Promise(setImmediate)
    })
    await app.register(splitpool, { router })
    app.addHook('onRequestAbort', (_request, done) => {
      aborted.open(here())
      done()
    })
    app.get('/', async (_request, reply) => {
      begun.open(here())
      await aborted.opened
      return reply.send('to nobody')
    })
    const { socket, say } = await dial(await listening(app))
    await say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const scope = await begun.opened
    socket.destroy()
    expect(await aborted.opened).toBe(scope)
  })

  it('holds when the client is too slow', async () => {
    const { router, here } = stage()
    const late = gate<string>()
    const begun: string[] = []
    const app = fastify({ forceCloseConnections: true, connectionTimeout: 50 })
    apps.push(app)
    await app.register(splitpool, { router })
    app.addHook('onTimeout', async () => {
      late.open(here())
      await Promise.resolve()
    })
    app.get('/:id', async (_request, reply) => {
      begun.push(here())
      await late.opened
      return reply.send('late')
    })
    const port = await listening(app)
    const slow = await dial(port)
    await slow.say('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await late.opened).toBe(begun[0])
  })

  it('answers with 404 and errors as ever, in a scope', async () => {
    const { router, here, outside } = stage()
    const app = started()
    await app.register(splitpool, { router })
    app.setNotFoundHandler((_request, reply) => reply.code(404).send(String(here() !== outside)))
    app.get('/fails', () => Promise.reject(new Error('own')))
    expect(await text(app, '/nowhere')).toBe('true')
    expect(await text(app, '/fails')).toBe('none: own')
  })

  describe('a route', () => {
    it('asks for itself in its config', async () => {
      const { router, nodes, query } = stage()
      const app = started()
      await app.register(splitpool, { router, safeMethods: true })
      const read = (): Promise<unknown> => query('SELECT 1')
      app.get('/', read)
      app.post('/', read)
      app.get('/fresh', { config: { splitpool: { reads: 'primary' } } }, read)
      app.post('/search', { config: { splitpool: { reads: 'replica' } } }, read)
      app.get('/users', { config: { splitpool: { alias: 'users' } } }, read)
      app.get('/report', { config: { splitpool: { readOnly: true } } }, () => query('DELETE FROM t'))
      expect(await text(app, '/')).toMatch(/^default:replica/)
      expect(await text(app, '/', { method: 'POST' })).toBe('default:primary')
      expect(await text(app, '/fresh')).toBe('default:primary')
      expect(await text(app, '/search', { method: 'POST' })).toMatch(/^default:replica/)
      expect(await text(app, '/users')).toMatch(/^users:replica/)
      expect(await text(app, '/report')).toMatch(/^ERR_READ_ONLY: .*DELETE FROM t/)
      for (const node of nodes.values()) expect(node.statements).not.toContain('DELETE FROM t')
      expect(router.stats().scopes).toBe(6)
    })

    it('has no scope, if it says so', async () => {
      const { router, here, outside } = stage()
      const app = started()
      await app.register(splitpool, { router, skip: ['/static'] })
      const handler = (): Promise<string> => Promise.resolve(here() === outside ? 'no scope' : 'scope')
      app.get('/', handler)
      app.get('/health', { config: { splitpool: false } }, handler)
      app.get('/static/*', handler)
      expect(await text(app, '/')).toBe('scope')
      expect(await text(app, '/health')).toBe('no scope')
      expect(await text(app, '/static/a.css?b')).toBe('no scope')
      expect(router.stats().scopes).toBe(1)
    })

    it.each<[object, RegExp]>([
      [{ reads: 'master' }, /options\.reads/],
      [{ alias: 'nowhere' }, /nowhere/],
      [{ readonly: true }, /options\.readonly: unknown option/],
    ])('that asks for %o is refused when it is declared', async (asked, says) => {
      const { router } = stage()
      const app = started()
      await app.register(splitpool, { router })
      expect(() => app.get('/', { config: { splitpool: asked } }, () => '')).toThrow(says)
    })

    it('that was declared before the plugin was there answers with the error', async () => {
      const { router, query } = stage()
      const app = started()
      void app.register(splitpool, { router })
      app.get('/', { config: { splitpool: { reads: 'primary' } } }, () => query('SELECT 1'))
      app.get('/bad', { config: { splitpool: { reads: 'master' as 'primary' } } }, () => '')
      expect(await text(app, '/')).toBe('default:primary')
      expect(await text(app, '/bad')).toMatch(/^ERR_INVALID_OPTION: options\.reads/)
    })
  })

  it('holds for the plugin that registers it alone, and narrows where it holds already', async () => {
    const { router, here, outside, query } = stage()
    const app = started()
    const handler = (): Promise<string> => Promise.resolve(here() === outside ? 'no scope' : 'scope')
    await app.register(async (api) => {
      await api.register(splitpool, { router })
      expect(api.splitpool).toBe(router)
      api.get('/api', handler)
      await api.register(async (reports) => {
        await reports.register(splitpool, { router, reads: 'primary' })
        reports.get('/reports', () => query('SELECT 1'))
      })
    })
    app.get('/', handler)
    expect(app.hasDecorator('splitpool')).toBe(false)
    expect(await text(app, '/')).toBe('no scope')
    expect(await text(app, '/api')).toBe('scope')
    const before = router.stats().scopes
    expect(await text(app, '/reports')).toBe('default:primary')
    expect(router.stats().scopes - before).toBe(1)
  })

  it('shows the router that is the nearest', async () => {
    const [{ router }, { router: other }] = [stage(), stage()]
    const app = started()
    await app.register(splitpool, { router })
    await app.register(async (inner) => {
      await inner.register(splitpool, { router: other })
      expect(inner.splitpool).toBe(other)
    })
    await app.ready()
    expect(app.splitpool).toBe(router)
  })

  it('takes the options of a request scope, and what Fastify adds to them', async () => {
    const { router, query } = stage()
    const app = started()
    const alias = ({ headers }: FastifyRequest): string | undefined =>
      headers['x-database'] as string | undefined
    await app.register(splitpool, { router, alias, prefix: '/any', logLevel: 'silent' })
    app.get('/', () => query('SELECT 1'))
    expect(await text(app, '/')).toMatch(/^default:replica/)
    expect(await text(app, '/', { headers: { 'x-database': 'users' } })).toMatch(/^users:replica/)
    expect(await text(app, '/', { headers: { 'x-database': 'nowhere' } })).toMatch(/^ERR_UNKNOWN_ALIAS/)
    expect(await text(app, '/', { headers: { 'x-database': 'users:primary' } })).toMatch(/^ERR_UNKNOWN_ALIAS/)
  })

  it.each<[object, RegExp]>([
    [{ reads: 'master' }, /options\.reads/],
    [{ close: 'yes' }, /options\.close: expected true or false, got "yes"/],
    [{ global: true }, /options\.global: unknown option/],
    [{ router: undefined }, /^router: expected what createRouter returns, got undefined/],
  ])('%o ends the start of the application', async (options, says) => {
    const { router } = stage()
    const app = fastify()
    const register = async (): Promise<void> => {
      await app.register(splitpool, { router, ...options } as never)
    }
    await expect(register()).rejects.toThrow(says)
  })

  it.each([
    [true, 1],
    [false, 0],
    [undefined, 0],
  ])('with close: %j closes the router %i times', async (close, times) => {
    const { router } = stage()
    let closed = 0
    router.close = () => {
      closed++
      return Promise.resolve()
    }
    const app = fastify()
    await app.register(splitpool, { router, ...(close === undefined ? {} : { close }) })
    await app.ready()
    expect(closed).toBe(0)
    await app.close()
    expect(closed).toBe(times)
  })

  it('has types', () => {
    expectTypeOf<FastifyInstance['splitpool']>().toEqualTypeOf<Router>()
  })
})
