import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { pipeline, Transform } from 'node:stream'
import express5, { type NextFunction, type Request, type Response } from 'express'
import { describe, expect, it } from 'vitest'
import type { ErrorCode, SplitpoolError } from '../../src'
import { requestScope, type RequestScopeOptions } from '../../src/web/express'
import { ask, dial, gate, serving, stage } from './web-stage'

const express4 = createRequire(__filename)('express4') as typeof express5

/** Answers with what is thrown, by its code. */
function answerError(error: unknown, _request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error)
    return
  }
  const { code, message } = error as { code?: string; message: string }
  response.status(500).send(`${code ?? 'none'}: ${message}`)
}

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('requestScope in %s', (_name, express) => {
  it('is one scope from the first middleware to what comes after the response, and for each request another', async () => {
    const { router, here, outside } = stage()
    const seen: Record<string, string[]> = {}
    const later = new Map<string, Promise<unknown>>()
    const app = express()
    app.use(requestScope(router))
    app.use((request, response, next) => {
      const id = request.get('x-id')!
      const note = (what: string) => () => void (seen[id] ??= []).push(`${what} ${here()}`)
      const after = gate()
      later.set(id, after.opened)
      note('middleware')()
      request.on('data', note('data'))
      request.once('end', note('end'))
      request.prependListener('close', note('request close'))
      response.on('finish', note('finish'))
      response.addListener('close', () => {
        note('close')()
        setImmediate(() => {
          note('immediate')()
          setTimeout(() => {
            note('timer')()
            after.open()
          }, 1)
        })
      })
      next()
    })
    app.use(express.json())
    app.post('/', async (request: Request, response: Response) => {
      const id = request.get('x-id')!
      seen[id]!.push(`handler ${here()}`)
      await Promise.resolve()
      seen[id]!.push(`awaited ${here()}`)
      response.json(request.body)
    })
    await serving(app, async (port) => {
      for (const id of ['a', 'b']) {
        const headers = { 'x-id': id, 'content-type': 'application/json' }
        const answer = await ask(port, '/', { method: 'POST', headers, body: '{"some":"body"}' })
        expect(answer).toEqual({ status: 200, text: '{"some":"body"}' })
        await later.get(id)
      }
    })
    const stations = [
      'middleware',
      'data',
      'end',
      'handler',
      'awaited',
      'finish',
      'request close',
      'close',
      'immediate',
      'timer',
    ]
    const [a, b] = [seen['a']!, seen['b']!].map((notes) => notes.map((note) => note.split(' ').at(-1)))
    expect(seen['a']!.map((note) => note.slice(0, note.lastIndexOf(' '))).sort()).toEqual(
      [...stations].sort(),
    )
    expect([new Set(a).size, new Set(b).size]).toEqual([1, 1])
    expect(new Set([a![0], b![0], outside]).size).toBe(3)
    expect(here()).toBe(outside)
  })

  it('goes through a parser that knows nothing of asynchronous contexts', async () => {
    const { router, query } = stage()
    const app = express()
    app.use(requestScope(router))
    app.use((request, _response, next) => {
      // As multer and others do: they go on when the last piece has come.
      let text = ''
      request.setEncoding('utf8')
      request.on('data', (piece: string) => (text += piece))
      request.on('end', () => {
        request.body = text
        next()
      })
    })
    app.post('/', async (_request, response) => {
      await query('INSERT INTO t VALUES (1)')
      response.send(await query('SELECT 1'))
    })
    app.put('/', async (_request, response) => {
      response.send(await query('SELECT 1'))
    })
    await serving(app, async (port) => {
      const first = await ask(port, '/', { method: 'POST', body: 'x' })
      expect(first.text).toBe('default:primary')
      expect((await ask(port, '/', { method: 'PUT', body: 'x' })).text).toMatch(/replica/)
    })
    expect(await query('SELECT 1')).toMatch(/replica/)
  })

  it('keeps requests apart whose bodies come in turns', async () => {
    const { router, here, outside } = stage()
    const pieces: [string, string][] = []
    const app = express()
    app.use(requestScope(router))
    app.post('/', (request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        for (const letter of text) pieces.push([letter, here()])
      })
      request.on('end', () => response.end(`ended ${here()}`))
    })
    await serving(app, async (port) => {
      const [a, b] = [await dial(port), await dial(port)]
      const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n'
      for (const [letters, at] of [
        ['a', a],
        ['b', b],
      ] as const)
        await at.say(head + letters)
      for (const [letter, at] of [
        ['b', b],
        ['a', a],
        ['a', a],
        ['b', b],
      ] as const) {
        const count = pieces.length
        await at.say(letter)
        while (pieces.length === count) await new Promise(setImmediate)
      }
      const scopeOf = (letter: string): string[] => [
        ...new Set(pieces.filter(([piece]) => piece === letter).map(([, scope]) => scope)),
      ]
      const [ofA, ofB] = [scopeOf('a'), scopeOf('b')]
      expect([ofA.length, ofB.length, pieces.length]).toEqual([1, 1, 6])
      expect(new Set([ofA[0], ofB[0], outside]).size).toBe(3)
      await a.hear(`ended ${ofA[0]!}`)
      await b.hear(`ended ${ofB[0]!}`)
    })
  })

  it('keeps pipelined requests apart, which share the events of one socket', async () => {
    const { router, here } = stage()
    const seen: Record<string, string[]> = { '/1': [], '/2': [] }
    const [last, second] = [gate(), gate()]
    const app = express()
    app.use(requestScope(router))
    app.use((request, response) => {
      const note = () => void seen[request.path]!.push(here())
      note()
      response.on('finish', note)
      response.once('close', () => {
        note()
        if (request.path === '/2') last.open()
      })
      const answer = (): void => {
        note()
        response.write('x'.repeat(100), note)
        response.end('y', note)
      }
      if (request.path === '/2') {
        answer()
        second.open()
      } else {
        void second.opened.then(answer)
      }
    })
    await serving(app, async (port) => {
      const { say } = await dial(port)
      await say('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      await last.opened
    })
    expect([seen['/1']!.length, seen['/2']!.length]).toEqual([6, 6])
    expect([new Set(seen['/1']).size, new Set(seen['/2']).size]).toEqual([1, 1])
    expect(seen['/1']![0]).not.toBe(seen['/2']![0])
  })

  it('begins anew on a connection that is kept', async () => {
    const { router, query, here } = stage()
    const sockets = new Set<unknown>()
    const scopes = new Set<string>()
    const app = express()
    app.use(requestScope(router))
    app.use(async (request, response) => {
      sockets.add(request.socket)
      scopes.add(here())
      const before = await query('SELECT 1')
      if (request.method === 'POST') await query('UPDATE t SET a = 1')
      response.send(`${String(before)} ${String(await query('SELECT 1'))}`)
    })
    await serving(app, async (port) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (let round = 0; round < 3; round++) {
        const written = await ask(port, '/', { method: 'POST', agent })
        expect(written.text).toMatch(/replica-\d+ default:primary$/)
        const read = await ask(port, '/', { agent })
        expect(read.text).toMatch(/(replica-\d+) default:\1$/)
      }
      agent.destroy()
    })
    expect([sockets.size, scopes.size]).toEqual([1, 6])
  })

  it('holds to the end when the client goes away', async () => {
    const { router, here } = stage()
    const begun = gate<string>()
    const [aborted, closed, gone, failed] = [gate<string>(), gate<string>(), gate<string>(), gate<string>()]
    const app = express()
    app.use(requestScope(router))
    app.post('/', (request, response) => {
      request.on('aborted', () => {
        aborted.open(here())
      })
      request.on('error', () => {
        failed.open(here())
      })
      request.on('close', () => {
        closed.open(here())
      })
      response.on('close', () => {
        gone.open(here())
      })
      request.resume()
      begun.open(here())
    })
    await serving(app, async (port) => {
      const { socket, say } = await dial(port)
      await say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx')
      const scope = await begun.opened
      socket.destroy()
      const seen = await Promise.all([aborted, closed, gone, failed].map(({ opened }) => opened))
      expect(new Set(seen)).toEqual(new Set([scope]))
    })
  })

  it('goes through streams that are piped, to their end', async () => {
    const { router, here } = stage()
    const seen: string[] = []
    const done = gate()
    const app = express()
    app.use(requestScope(router))
    app.post('/', (request, response) => {
      seen.push(here())
      const transform = new Transform({
        transform(chunk, _encoding, pass) {
          seen.push(here())
          pass(null, String(chunk).toUpperCase())
        },
        flush(pass) {
          seen.push(here())
          pass()
        },
      })
      pipeline(request, transform, response, () => {
        seen.push(here())
        done.open()
      })
    })
    await serving(app, async (port) => {
      const { say, hear } = await dial(port)
      await say('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
      await hear('A')
      await say('1\r\nb\r\n')
      await hear('B')
      await say('0\r\n\r\n')
      await done.opened
    })
    expect(seen).toHaveLength(5)
    expect(new Set(seen).size).toBe(1)
  })

  it('leaves HEAD, 304 and errors as they are', async () => {
    const { router, here } = stage()
    const seen: string[] = []
    const app = express()
    app.use(requestScope(router))
    app.get('/', (_request, response) => {
      response.set('etag', '"1"').send('body')
    })
    app.get('/sync', () => {
      seen.push(here())
      throw new Error('thrown')
    })
    app.get('/next', (_request, _response, next) => {
      setImmediate(() => {
        seen.push(here())
        next(new Error('passed on'))
      })
    })
    app.use((error: unknown, _request: Request, _response: Response, next: NextFunction) => {
      seen.push(here())
      next(error)
    })
    app.use(answerError)
    await serving(app, async (port) => {
      expect(await ask(port, '/', { method: 'HEAD' })).toEqual({ status: 200, text: '' })
      expect(await ask(port, '/', { headers: { 'if-none-match': '"1"' } })).toEqual({ status: 304, text: '' })
      expect(await ask(port, '/nowhere')).toMatchObject({ status: 404 })
      expect(await ask(port, '/sync')).toEqual({ status: 500, text: 'none: thrown' })
      expect(await ask(port, '/next')).toEqual({ status: 500, text: 'none: passed on' })
    })
    expect(seen[0]).toBe(seen[1])
    expect(seen[2]).toBe(seen[3])
    expect(seen[0]).not.toBe(seen[2])
  })

  describe('a second time in a request', () => {
    it('narrows the scope that is there, for what follows', async () => {
      const { router, nodes, query, here } = stage()
      const audited = gate<unknown>()
      const before = router.stats().scopes
      const app = express()
      app.use(requestScope(router, { reads: 'prefer-replica' }))
      app.use((_request, response, next) => {
        response.locals['scope'] = here()
        response.on('finish', () => {
          audited.open(query('INSERT INTO audit VALUES (1)'))
        })
        next()
      })
      const reports = express.Router()
      reports.use(requestScope(router, { readOnly: true }))
      reports.get('/', (_request, response) => {
        response.send(String(here() === response.locals['scope']))
      })
      reports.get('/write', async (_request, response, next) => {
        await query('DELETE FROM t').then((done) => response.send(done), next)
      })
      app.use('/reports', reports)
      app.get('/fresh', requestScope(router, { reads: 'primary' }), async (_request, response) => {
        response.send(await query('SELECT 1'))
      })
      app.use(answerError)
      await serving(app, async (port) => {
        expect((await ask(port, '/reports')).text).toBe('true')
        // A listener runs as where it was added: this one is not read only.
        expect(await audited.opened).toBe('default:primary')
        const refused = await ask(port, '/reports/write')
        expect(refused.text).toMatch(/^ERR_READ_ONLY: .*DELETE FROM t/)
        expect((await ask(port, '/fresh')).text).toBe('default:primary')
      })
      expect(router.stats().scopes - before).toBe(3)
      expect(nodes.get('default:primary')!.statements).not.toContain('DELETE FROM t')
    })

    it('keeps what it narrowed through a body that comes later', async () => {
      const { router, query } = stage()
      const app = express()
      app.use(requestScope(router))
      app.post('/', requestScope(router, { readOnly: true }), (request, response, next) => {
        request.resume().on('end', () => {
          query('DELETE FROM t').then((done) => response.send(done), next)
        })
      })
      app.use(answerError)
      await serving(app, async (port) => {
        expect((await ask(port, '/', { method: 'POST', body: 'x' })).text).toMatch(/^ERR_READ_ONLY/)
      })
    })

    it('leads back into it, where something lost it to another request', async () => {
      const { router, here } = stage()
      const queue: (() => void)[] = []
      const [waiting, scopes] = [gate(), new Map<string, string>()]
      const app = express()
      const scope = requestScope(router, { attributes: () => ({}) })
      app.use(scope)
      app.use((request, _response, next) => {
        scopes.set(request.path, here())
        // A pool whose queue is called back by whoever gives back.
        if (request.path === '/waits') {
          queue.push(next)
          waiting.open()
        } else {
          next()
        }
      })
      app.use((request, response, next) => {
        response.locals['lost'] = here() !== scopes.get(request.path)
        next()
      })
      app.use(scope)
      app.use((request, response) => {
        if (request.path === '/gives') queue.pop()!()
        response.json([response.locals['lost'], here() === scopes.get(request.path)])
      })
      await serving(app, async (port) => {
        const waits = ask(port, '/waits')
        await waiting.opened
        expect((await ask(port, '/gives')).text).toBe('[false,true]')
        expect((await waits).text).toBe('[true,true]')
      })
    })

    it('leaves the frames of the application as they are, where nothing was lost', async () => {
      const { router, query } = stage()
      const app = express()
      app.use(requestScope(router))
      app.use((_request, _response, next) => {
        router.with({ readOnly: true }, next)
      })
      app.use(requestScope(router, { reads: 'primary' }))
      app.use((_request, response, next) => {
        query('DELETE FROM t').then((done) => response.send(done), next)
      })
      app.use(answerError)
      await serving(app, async (port) => {
        expect((await ask(port, '/')).text).toMatch(/^ERR_READ_ONLY/)
      })
    })

    it('has attributes of its own only where the scope begins', async () => {
      const { router } = stage()
      const app = express()
      app.use(requestScope(router, { attributes: () => ({ a: 1 }) }))
      app.use(requestScope(router, { attributes: () => ({ a: 2 }) }))
      app.use(answerError)
      await serving(app, async (port) => {
        expect((await ask(port, '/')).text).toMatch(/^ERR_INVALID_OPTION: options\.attributes/)
      })
    })
  })

  it('serves two routers beside each other', async () => {
    const [one, two] = [stage(), stage()]
    const seen: string[][] = []
    const done = gate()
    const app = express()
    app.use(requestScope(one.router), requestScope(two.router))
    app.use((request, response) => {
      const note = () => void seen.push([one.here(), two.here()])
      note()
      request.once('end', note)
      response.once('close', () => {
        note()
        done.open()
      })
      request.resume().once('end', () => response.end())
    })
    await serving(app, async (port) => {
      await ask(port, '/', { method: 'POST', body: 'x' })
      await done.opened
    })
    expect(seen).toHaveLength(3)
    expect(new Set(seen.map(String)).size).toBe(1)
    expect(seen[0]).not.toContain(one.outside)
    expect([one.router.stats().scopes, two.router.stats().scopes]).toEqual([1, 1])
  })

  it('is not misled by a server that was started in a scope', async () => {
    const { router, here } = stage()
    const app = express()
    app.use(requestScope(router))
    app.use((_request, response) => response.send(here()))
    await router.scope(async () => {
      await serving(app, async (port) => {
        const answers = [await ask(port, '/'), await ask(port, '/')].map(({ text }) => text)
        expect(new Set([...answers, here()]).size).toBe(3)
      })
    })
  })

  describe('options', () => {
    /** What a request with them is answered: the node of a read, or the error. */
    async function asked(
      options: RequestScopeOptions<Request>,
      ...[path, how]: [path?: string, how?: Parameters<typeof ask>[2]]
    ): Promise<string> {
      const { router, query, here, outside } = stage()
      const app = express()
      app.use(requestScope(router, options))
      app.use(async (_request, response) => {
        if (here() === outside) response.send('no scope')
        else response.send(await query('SELECT 1'))
      })
      app.use(answerError)
      return await serving(app, async (port) => (await ask(port, path ?? '/', how)).text)
    }

    it('reads, readFrom and balancer are those of a scope', async () => {
      expect(await asked({ reads: 'primary' })).toBe('default:primary')
      expect(await asked({ readFrom: ['high'] })).toMatch(/^default:replica-(5[1-9]|[6-9]\d|100)$/)
      const last = { pick: <C>(candidates: readonly C[]): C => candidates.at(-1)! }
      expect(await asked({ balancer: last })).toBe('default:replica-100')
    })

    it('alias is a text or found by the request', async () => {
      expect(await asked({ alias: 'users' })).toMatch(/^users:replica/)
      const alias = (request: Request): string | undefined => request.get('x-database')
      expect(await asked({ alias })).toMatch(/^default:replica/)
      expect(await asked({ alias }, '/', { headers: { 'x-database': 'users' } })).toMatch(/^users:replica/)
      expect(await asked({ alias: () => null })).toMatch(/^default:replica/)
    })

    it.each([
      'nowhere',
      'users:primary',
      'users:replica-1',
      ':',
      '',
      '__proto__',
      'constructor',
      'users, default',
      'users;DROP TABLE t',
    ])('an alias %j from outside that does not exist is an error of the request alone', async (given) => {
      const alias = (request: Request): string | undefined => request.get('x-database')
      const headers = { 'x-database': given }
      expect(await asked({ alias }, '/', { headers })).toMatch(/^ERR_UNKNOWN_ALIAS: Unknown database alias "/)
    })

    it('what functions of the options throw goes to next, and what they answer is checked', async () => {
      const fail = (): never => {
        throw new Error('own')
      }
      expect(await asked({ alias: fail })).toBe('none: own')
      expect(await asked({ skip: fail })).toBe('none: own')
      expect(await asked({ alias: () => ['users'] as never })).toMatch(/^ERR_INVALID_OPTION: options\.alias/)
      expect(await asked({ alias: () => Promise.resolve('users') as never })).toMatch(
        /^ERR_INVALID_OPTION: options\.alias/,
      )
      expect(await asked({ skip: () => Promise.resolve(false) as never })).toMatch(
        /^ERR_INVALID_OPTION: options\.skip/,
      )
    })

    it('safeMethods sends the reads of all other methods to the primary', async () => {
      for (const [safeMethods, primary, replica] of [
        [true, ['POST', 'PUT', 'DELETE', 'OPTIONS'], ['GET']],
        [['get', 'POST'], ['PUT'], ['GET', 'POST']],
        [false, [], ['GET', 'POST']],
      ] as const) {
        for (const method of primary)
          expect(await asked({ safeMethods }, '/', { method }), method).toBe('default:primary')
        for (const method of replica)
          expect(await asked({ safeMethods }, '/', { method }), method).toMatch(/replica/)
      }
      expect(await asked({ safeMethods: true, reads: 'replica' }, '/', { method: 'POST' })).toBe(
        'default:primary',
      )
      expect(await asked({ safeMethods: true, reads: 'primary' })).toBe('default:primary')
    })

    it('and a route may say otherwise of itself', async () => {
      const { router, query } = stage()
      const app = express()
      app.use(requestScope(router, { safeMethods: true }))
      app.post('/search', requestScope(router, { reads: 'replica' }), async (_request, response) => {
        response.send(await query('SELECT 1'))
      })
      await serving(app, async (port) => {
        expect((await ask(port, '/search', { method: 'POST' })).text).toMatch(/replica/)
      })
    })

    it('skip opens no scope, by path or by function', async () => {
      const skip = ['/static/', '/health']
      for (const path of ['/static/a.css', '/static', '/static?v=1', '/health'])
        expect(await asked({ skip }, path), path).toBe('no scope')
      for (const path of ['/', '/statics', '/healthy', '/a/static'])
        expect(await asked({ skip }, path), path).toMatch(/replica/)
      const byFunction = (request: Request): boolean => request.path === '/health'
      expect(await asked({ skip: byFunction }, '/health')).toBe('no scope')
      expect(await asked({ skip: byFunction }, '/')).toMatch(/replica/)
    })

    it('skip looks at the whole path under a mounted application, too', async () => {
      const { router, here, outside } = stage()
      const [app, inner] = [express(), express.Router()]
      inner.use(requestScope(router, { skip: ['/api/static'] }))
      inner.use((_request, response) => response.send(here() === outside ? 'no scope' : 'scope'))
      app.use('/api', inner)
      await serving(app, async (port) => {
        expect((await ask(port, '/api/static/a')).text).toBe('no scope')
        expect((await ask(port, '/api/static-not')).text).toBe('scope')
      })
    })

    it('attributes are asked for when they are needed, and may know the user by then', async () => {
      const { router } = stage()
      let asks = 0
      const app = express()
      const attributes = (request: Request): { userId: unknown } => {
        asks++
        return { userId: (request as { user?: unknown }).user }
      }
      const seen: unknown[] = []
      const scope = router.scope.bind(router)
      router.scope = ((fn: () => unknown, options: { attributes: () => unknown }) => {
        seen.push(options.attributes)
        return scope(fn, options as never)
      }) as never
      app.use(requestScope(router, { attributes }))
      app.use((request, response) => {
        const asked = asks
        Object.assign(request, { user: 7 })
        response.json([asked, (seen[0] as () => unknown)()])
      })
      await serving(app, async (port) => {
        expect((await ask(port, '/')).text).toBe('[0,{"userId":7}]')
      })
    })

    it.each<[object, ErrorCode, RegExp]>([
      [{ reads: 'master' }, 'ERR_INVALID_OPTION', /options\.reads.*"master"/],
      [{ readFrom: [] }, 'ERR_INVALID_OPTION', /options\.readFrom/],
      [{ balancer: 'best' }, 'ERR_INVALID_OPTION', /options\.balancer/],
      [{ readOnly: 'yes' }, 'ERR_INVALID_OPTION', /options\.readOnly/],
      [{ alias: 'nowhere' }, 'ERR_UNKNOWN_ALIAS', /nowhere.*default, users/],
      [{ alias: 'users:replica-9' }, 'ERR_UNKNOWN_NODE', /users:replica-9/],
      [{ attributes: { a: 1 } }, 'ERR_INVALID_OPTION', /options\.attributes.*an object with a/],
      [{ safeMethods: 'GET' }, 'ERR_INVALID_OPTION', /options\.safeMethods.*"GET"/],
      [{ safeMethods: [7] }, 'ERR_INVALID_OPTION', /options\.safeMethods.*an array/],
      [{ safeMethods: ['GET', 'P T'] }, 'ERR_INVALID_OPTION', /options\.safeMethods\[1\].*a method.*"P T"/],
      [{ safeMethods: [''] }, 'ERR_INVALID_OPTION', /options\.safeMethods\[0\].*a method/],
      [{ skip: '/static' }, 'ERR_INVALID_OPTION', /options\.skip.*"\/static"/],
      [{ skip: ['static'] }, 'ERR_INVALID_OPTION', /options\.skip/],
      [
        { readonly: true },
        'ERR_INVALID_OPTION',
        /options\.readonly: unknown option; expected one of alias, reads/,
      ],
    ])('%o is refused when the middleware is made', (options, code, says) => {
      const { router } = stage()
      const made = (): unknown => requestScope(router, options)
      expect(made).toThrow(says)
      try {
        made()
      } catch (error) {
        expect((error as SplitpoolError).code).toBe(code)
      }
    })

    it.each([undefined, null, {}, 'router'])('a router that is none is refused: %j', (router) => {
      expect(() => requestScope(router as never)).toThrow(/^router: expected what createRouter returns/)
    })
  })
})

describe('a bound emitter', () => {
  const FORMS = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const

  const response = (): EventEmitter =>
    Object.assign(new EventEmitter(), { write: () => true, end: () => undefined })

  /** What `once` adds is called so by one Node or another. */
  const ONCE = /once|^wrapper$/i

  /** A request in a scope of each of so many routers, as a bare emitter. */
  function bound(routers = 1): EventEmitter {
    const [request, answer] = [new EventEmitter(), response()]
    for (let count = 0; count < routers; count++)
      requestScope(stage().router)(request as never, answer as never, () => undefined)
    return request
  }

  it.each(FORMS.flatMap((one) => FORMS.map((other) => [one, other] as const)))(
    'has, finds and removes listeners of %s and %s as any other',
    (one, other) => {
      const account = (emitter: EventEmitter): unknown[] => {
        const said: unknown[] = []
        emitter.on('removeListener', (event: string, listener: () => void) =>
          said.push(['removed', event, ONCE.test(listener.name) ? 'what once added' : listener.name]),
        )
        emitter.on('newListener', (event: string, listener: () => void) =>
          said.push(['new', event, listener.name]),
        )
        const first = function first(this: unknown, ...given: unknown[]): void {
          said.push(['first', given, this === emitter])
        }
        const second = (...given: unknown[]): void => void said.push(['second', given])
        said.push(emitter[one]('x', first) === emitter)
        emitter[other]('x', second)
        emitter[other]('x', first)
        said.push(emitter.listeners('x'), emitter.listenerCount('x'), emitter.listenerCount('x', first))
        emitter.emit('x', 1, 2)
        said.push(emitter.listeners('x'))
        emitter.emit('x')
        emitter.off('x', first)
        said.push(emitter.listeners('x'))
        emitter.emit('x', 3)
        emitter.removeListener('x', second).removeAllListeners('x')
        said.push(emitter.listenerCount('x'), emitter.emit('x'))
        return said.map((what) =>
          Array.isArray(what) ? what.map((each) => (typeof each === 'function' ? each.name : each)) : what,
        )
      }
      const unbound = account(new EventEmitter())
      expect(account(bound())).toEqual(unbound)
      expect(account(bound(2))).toEqual(unbound)
    },
  )

  it.each(['once', 'prependOnceListener'] as const)(
    'runs what %s adds once, also in an event within it',
    (form) => {
      const count = (emitter: EventEmitter): number => {
        let [ran, within] = [0, false]
        emitter[form]('x', () => {
          ran++
        })
        emitter.prependListener('x', () => {
          if (within) return
          within = true
          emitter.emit('x')
        })
        emitter.emit('x')
        return ran
      }
      expect(count(new EventEmitter())).toBe(1)
      expect(count(bound())).toBe(1)
      expect(count(bound(2))).toBe(1)
    },
  )

  it.each(FORMS)('runs what %s adds in the scope of the request, wherever it was added', (form) => {
    const { router, here, outside } = stage()
    const emitter = new EventEmitter()
    const seen: string[] = []
    const note = (): void => void seen.push(here())
    requestScope(router)(emitter as never, response() as never, () => {
      note()
      emitter[form]('x', note)
    })
    router.scope(() => emitter[form]('x', note))
    emitter[form]('x', note)
    router.scope(() => emitter.emit('x'))
    expect(seen).toHaveLength(4)
    expect(new Set(seen).size).toBe(1)
    expect(seen).not.toContain(outside)
  })

  it.each(FORMS)(
    'runs what %s adds in a scope inside that of the request in that one, with its frames',
    async (form) => {
      const { router, here, query } = stage()
      const emitter = new EventEmitter()
      const seen: unknown[] = []
      const own: string[] = []
      const note = (): void =>
        void seen.push(
          here(),
          query('DELETE FROM t').catch((error: unknown) => error),
        )
      requestScope(router)(emitter as never, response() as never, () => {
        own.push(here())
        router.scope(() => {
          own.push(here())
          router.with({ readOnly: true }, () => emitter[form]('x', note))
        })
      })
      emitter.emit('x')
      expect([seen[0], own[0]]).toEqual([own[1], expect.not.stringMatching(`^${own[1]!}$`)])
      expect(await seen[1]).toMatchObject({ code: 'ERR_READ_ONLY' })
    },
  )

  it('is narrowed inside such a scope, and is itself outside of it', async () => {
    const { router, here, query } = stage()
    const [request, answer] = [new EventEmitter(), response()]
    const enter = (next: () => void): void => {
      requestScope(router, { readOnly: true })(request as never, answer as never, next)
    }
    const seen: Record<string, string> = {}
    const refused: Promise<unknown>[] = []
    requestScope(router)(request as never, answer as never, () => {
      seen['own'] = here()
      router.scope(() => {
        seen['inner'] = here()
        enter(() => {
          seen['narrowed'] = here()
          refused.push(query('DELETE FROM t'))
        })
      })
      request.on('x', () => (seen['listener'] = here()))
    })
    request.emit('x')
    expect([seen['narrowed'], seen['listener']]).toEqual([seen['inner'], seen['own']])
    await expect(refused[0]).rejects.toMatchObject({ code: 'ERR_READ_ONLY' })
  })

  it('belongs to its own request, also to one that another one makes within the process', () => {
    const { router, here } = stage()
    const [outer, inner] = [new EventEmitter(), new EventEmitter()]
    const own: string[] = []
    const seen: string[] = []
    const scope = requestScope(router)
    scope(outer as never, response() as never, () => {
      own.push(here())
      scope(inner as never, response() as never, () => own.push(here()))
      inner.on('x', () => seen.push(here()))
    })
    inner.emit('x')
    expect(seen).toEqual([own[1]])
    expect(own[0]).not.toBe(own[1])
  })

  it('leads back to where the request has come, with its frames', async () => {
    const { router, query } = stage()
    const [request, answer] = [new EventEmitter(), response()]
    const through = (scope: ReturnType<typeof requestScope>): Promise<void> =>
      new Promise((resolve) => {
        scope(request as never, answer as never, () => {
          resolve(query('DELETE FROM t').then(() => undefined))
        })
      })
    await through(requestScope(router))
    // Each from outside, as after a callback of somebody else's.
    await expect(through(requestScope(router, { readOnly: true }))).rejects.toThrow('readOnly')
    await expect(through(requestScope(router))).rejects.toThrow('readOnly')
  })

  it('works with once() and on() of node:events, and refuses what is no function as ever', async () => {
    const emitter = bound()
    const waited = once(emitter, 'x')
    emitter.emit('x', 7)
    expect(await waited).toEqual([7])
    expect(() => emitter.on('x', undefined as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    )
    expect(emitter.eventNames()).toEqual([])
  })

  it('leaves the contexts of others alone', () => {
    const emitter = bound()
    const others = new AsyncLocalStorage<string>()
    let seen: string | undefined
    others.run('added', () => emitter.on('x', () => (seen = others.getStore())))
    others.run('emitted', () => emitter.emit('x'))
    expect(seen).toBe('emitted')
  })
})

describe('without Express', () => {
  it('any server that calls (request, response, next) will do', async () => {
    const { router, query } = stage()
    const scope = requestScope(router, { skip: ['/static'] })
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      scope(request, response, () => {
        void query('SELECT 1').then((node) => response.end(node))
      })
    }
    await serving(listener, async (port) => {
      expect((await ask(port, '/')).text).toMatch(/replica/)
    })
  })

  it('what functions of the options throw goes to next, not to the server', () => {
    const { router } = stage()
    const passed: unknown[] = []
    const error = new Error('own')
    const alias = (): never => {
      throw error
    }
    requestScope(router, { alias })(new EventEmitter() as never, new EventEmitter() as never, (given) => {
      passed.push(given)
    })
    expect(passed).toEqual([error])
  })

  it('what is thrown after next is not passed to next', () => {
    const { router } = stage()
    const passed: unknown[] = []
    const next = (error?: unknown): void => {
      passed.push(error)
      throw new Error('own')
    }
    const emitter = (): never => Object.assign(new EventEmitter(), { write: () => true, url: '/' }) as never
    expect(() => {
      requestScope(router)(emitter(), emitter(), next)
    }).toThrow('own')
    expect(passed).toEqual([undefined])
  })
})
