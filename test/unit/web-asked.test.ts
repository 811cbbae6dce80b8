import express from 'express'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { affinity, createRouter, type SplitpoolError } from '../../src'
import { fakeDatabase, type FakeNode } from '../../src/testing/fake-database'
import { requestScope, type RequestScopeOptions } from '../../src/web/express'
import { splitpool, type SplitpoolPluginOptions } from '../../src/web/fastify'
import { ask, serving } from './web-stage'

/** What the requests of both frameworks have. */
interface Asking {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

type Options = RequestScopeOptions<Asking>
type Ask = (how?: {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}) => Promise<string>

/** Serves `act` in the scopes of requests: what it gives is the answer, and of what it throws the code and the message. */
type Serve = (
  router: SplitpoolPluginOptions['router'],
  asked: readonly [Options, ...Options[]],
  act: () => Promise<unknown>,
  use: (ask: Ask) => Promise<void>,
) => Promise<void>

function told(error: unknown): string {
  const { code, message } = error as SplitpoolError
  return `${code}: ${message}`
}

const throughExpress: Serve = async (router, asked, act, use) => {
  const app = express()
  for (const options of asked) app.use(requestScope(router, options as object))
  app.use((_request, response, next) => {
    act().then((said) => response.send(said), next)
  })
  app.use((error: unknown, _request: unknown, response: express.Response, next: express.NextFunction) => {
    if (response.headersSent) next(error)
    else response.send(told(error))
  })
  await serving(app, (port) => use(async (how) => (await ask(port, '/', how)).text))
}

/** The plugin, and registered in it again for each of the options further in. */
const throughFastify: Serve = async (router, asked, act, use) => {
  const app = fastify()
  app.setErrorHandler((error, _request, reply) => reply.code(200).send(told(error)))
  const within = async (outer: typeof app, [options, ...further]: readonly Options[]): Promise<void> => {
    await outer.register(splitpool, { router, ...options } as SplitpoolPluginOptions)
    if (further.length > 0) await outer.register((inner) => within(inner as typeof app, further))
    else outer.all('/', act)
  }
  await app.register((inner) => within(inner as typeof app, asked))
  await use(async (how = {}) => (await app.inject({ url: '/', ...(how as object) })).payload)
  await app.close()
}

describe.each([
  ['Express', throughExpress],
  ['Fastify', throughFastify],
])('what requests ask for, in %s', (_name, serve) => {
  describe('a database', () => {
    const router = createRouter({
      databases: {
        default: fakeDatabase(new Map()),
        users: fakeDatabase(new Map()),
        logs: fakeDatabase(new Map()),
      },
      models: { User: { table: 't_user', bind: 'users' }, Log: { table: 't_log' } },
      routers: [{ dbForRead: ({ name }) => (name === 'Log' ? 'logs' : undefined) }],
    })
    const read = (alias: string, sql: string): Promise<unknown> => router.pool(alias as 'default').query(sql)
    const READS: readonly [string, string, () => Promise<unknown>][] = [
      ['the table of a model that is bound', 'users', () => read('default', 'SELECT * FROM t_user')],
      ['a model that is bound', 'users', () => router.model('User').pool().query('SELECT 1')],
      [
        'the table of a model that a router of the chain places',
        'logs',
        () => read('default', 'SELECT * FROM t_log'),
      ],
      [
        'a model that a router of the chain places',
        'logs',
        () => router.model('Log').pool().query('SELECT 1'),
      ],
      ['a pool of another database', 'users', () => read('users', 'SELECT 1')],
      ['a pool of a node of another database', 'users', () => read('users:primary', 'SELECT 1')],
    ]

    it.each(READS)('comes before %s', async (_what, home, act) => {
      const byHost = ({ headers }: Asking): string | null =>
        headers['host'] === 'a.example' ? 'default' : null
      const byHeader = ({ headers }: Asking): string | undefined =>
        headers['x-database'] as string | undefined
      const options: readonly [Options['alias'], object, object][] = [
        ['default', {}, {}],
        [byHost, { headers: { host: 'a.example' } }, { headers: { host: 'b.example' } }],
        [byHeader, { headers: { 'x-database': 'default' } }, {}],
      ]
      for (const [alias, how, otherwise] of options) {
        await serve(router, [{ alias: alias! }], act, async (ask) => {
          expect(await ask(how)).toMatch(/^default:replica/)
          if (alias !== 'default') expect(await ask(otherwise)).toMatch(`${home}:`)
        })
      }
    })
  })

  describe('safeMethods', () => {
    const router = createRouter({ databases: { default: fakeDatabase(new Map()) } })
    const read = (): Promise<unknown> => router.pool().query('SELECT 1')

    it.each<[string, [Options, ...Options[]], Record<'GET' | 'POST', 'primary' | 'replica'>]>([
      ['empty: no method is safe', [{ safeMethods: [] }], { GET: 'primary', POST: 'primary' }],
      [
        'holds where nothing is said further in',
        [{ safeMethods: true }, {}],
        { GET: 'replica', POST: 'primary' },
      ],
      [
        'lifted by an inner one',
        [{ safeMethods: true }, { safeMethods: ['GET', 'POST'] }],
        { GET: 'replica', POST: 'replica' },
      ],
      [
        'lifted by an inner false',
        [{ safeMethods: true }, { safeMethods: false }],
        { GET: 'replica', POST: 'replica' },
      ],
      [
        'stricter further in',
        [{ safeMethods: ['GET', 'POST'] }, { safeMethods: true }],
        { GET: 'replica', POST: 'primary' },
      ],
      ['empty further in', [{ safeMethods: true }, { safeMethods: [] }], { GET: 'primary', POST: 'primary' }],
      [
        'lifted, and stricter again',
        [{ safeMethods: true }, { safeMethods: false }, { safeMethods: true }],
        { GET: 'replica', POST: 'primary' },
      ],
      [
        'lifted to what reads says there',
        [{ safeMethods: true }, { safeMethods: false, reads: 'primary' }],
        { GET: 'primary', POST: 'primary' },
      ],
      [
        'lifted to what reads says further out',
        [{ safeMethods: true, reads: 'primary' }, { safeMethods: false }],
        { GET: 'primary', POST: 'primary' },
      ],
      [
        'lifted to what reads says further out still',
        [{ safeMethods: true, reads: 'primary' }, {}, { safeMethods: false }],
        { GET: 'primary', POST: 'primary' },
      ],
      [
        'lifted by reads alone',
        [{ safeMethods: true }, { reads: 'replica' }],
        { GET: 'replica', POST: 'replica' },
      ],
      [
        'and lifted by reads it leaves reads that an inner one finds',
        [{ safeMethods: true }, { reads: 'primary' }, { safeMethods: false }],
        { GET: 'primary', POST: 'primary' },
      ],
    ])('%s', async (_what, asked, places) => {
      await serve(router, asked, read, async (ask) => {
        for (const [method, role] of Object.entries(places))
          expect(await ask({ method }), method).toMatch(`default:${role}`)
      })
    })
  })

  describe('attributes', () => {
    const byUser: Options = { attributes: ({ headers }) => ({ userId: headers['x-user'] }) }
    const USERS = Array.from({ length: 24 }, (_, index) => `user-${index}`)

    it('reach an affinity: the same user reads from the same replica, in every request', async () => {
      const replicas = [{}, {}, {}, {}]
      const balancer = affinity((scope) => scope['userId'])
      const router = createRouter({ databases: { default: fakeDatabase(new Map(), { replicas, balancer }) } })
      const read = (): Promise<unknown> => router.pool().query('SELECT 1')
      const seen = new Set<string>()
      await serve(router, [byUser], read, async (ask) => {
        for (const userId of USERS) {
          const node = await ask({ headers: { 'x-user': userId } })
          expect(await ask({ headers: { 'x-user': userId } })).toBe(node)
          expect(await router.scope(read, { attributes: { userId } })).toBe(node)
          seen.add(node)
        }
      })
      expect(seen.size).toBe(4)
    })

    it('reach a rollout: the same users are in it, in every request', async () => {
      const rollout = { share: 0.5, key: (scope: { readonly [name: string]: unknown }) => scope['userId'] }
      const router = createRouter({ databases: { default: fakeDatabase(new Map()) }, rollout })
      const read = (): Promise<unknown> => router.pool().query('SELECT 1')
      const roleOf = (node: unknown): string => (node === 'default:primary' ? 'primary' : 'replica')
      const roles: string[] = []
      await serve(router, [byUser], read, async (ask) => {
        for (const userId of USERS) {
          const role = roleOf(await ask({ headers: { 'x-user': userId } }))
          expect(roleOf(await ask({ headers: { 'x-user': userId } }))).toBe(role)
          expect(roleOf(await router.scope(read, { attributes: { userId } }))).toBe(role)
          roles.push(role)
        }
      })
      expect(new Set(roles)).toEqual(new Set(['primary', 'replica']))
    })

    it.each<[string, () => unknown]>([
      ['a promise', () => Promise.reject(new Error('own'))],
      ['a promise', async () => Promise.resolve({ userId: 7 })],
      ['a promise', () => ({ userId: 7, then: () => undefined })],
      ['"user-7"', () => 'user-7'],
      ['7', () => 7],
      ['an array', () => ['user-7']],
      ['an object of type Map', () => new Map([['userId', 7]])],
    ])('that are %s fail the statement that asks for them', async (came, attributes) => {
      const router = createRouter({
        databases: { default: fakeDatabase(new Map(), { balancer: affinity((scope) => scope['userId']) }) },
      })
      const read = (): Promise<unknown> => router.pool().query('SELECT 1')
      const says = `ERR_INVALID_OPTION: options.attributes: expected an object from the function, got ${came}`
      expect(
        await unheard(() =>
          serve(router, [{ attributes: attributes as never }], read, async (ask) => {
            expect(await ask()).toBe(says)
          }),
        ),
      ).toEqual([])
    })

    it.each([undefined, null])('may be none: %j', async (none) => {
      const router = createRouter({
        databases: { default: fakeDatabase(new Map(), { balancer: affinity((scope) => scope['userId']) }) },
      })
      const read = (): Promise<unknown> => router.pool().query('SELECT 1')
      await serve(router, [{ attributes: () => none as undefined }], read, async (ask) => {
        expect(await ask()).toMatch(/^default:replica/)
      })
    })
  })

  it.each(['alias', 'skip'])('a promise for %s is refused, and heard of when it rejects', async (option) => {
    const router = createRouter({ databases: { default: fakeDatabase(new Map()) } })
    const options = { [option]: () => Promise.reject(new Error('own')) } as Options
    expect(
      await unheard(() =>
        serve(
          router,
          [options],
          () => Promise.resolve('served'),
          async (ask) => {
            expect(await ask()).toMatch(`ERR_INVALID_OPTION: options.${option}: expected`)
            expect(await ask()).toMatch(/got a promise$/)
          },
        ),
      ),
    ).toEqual([])
  })

  it('shows of an alias that came from outside no more than its beginning', async () => {
    const router = createRouter({ databases: { default: fakeDatabase(new Map()) } })
    for (const long of ['a'.repeat(5000), `a:${'a'.repeat(5000)}`]) {
      await serve(
        router,
        [{ alias: () => long }],
        () => Promise.resolve(''),
        async (ask) => {
          expect((await ask()).length).toBeLessThan(300)
        },
      )
    }
  })

  it('an empty skip skips nothing', async () => {
    const router = createRouter({ databases: { default: fakeDatabase(new Map()) } })
    await serve(
      router,
      [{ skip: [] }],
      () => Promise.resolve('served'),
      async (ask) => {
        const before = router.stats().scopes
        await ask()
        expect(router.stats().scopes - before).toBe(1)
      },
    )
  })
})

describe('the attributes of router.scope', () => {
  const router = createRouter({
    databases: {
      default: fakeDatabase(new Map<string, FakeNode>(), { balancer: affinity((scope) => scope['userId']) }),
    },
  })

  it.each<[string, () => unknown]>([
    ['a promise', () => Promise.reject(new Error('own'))],
    ['an object of type Map', () => new Map([['userId', 7]])],
    ['an empty array', () => []],
    ['"user-7"', () => 'user-7'],
  ])('are refused when they are %s', async (came, given) => {
    const says = `options.attributes: expected an object, or a function that returns one, got ${came}`
    expect(
      await unheard(() => {
        expect(() => {
          router.scope(() => undefined, { attributes: given() as never })
        }).toThrow(says)
      }),
    ).toEqual([])
  })

  it('may be an object of a class', async () => {
    class User {
      readonly userId = 7
    }
    const attributes = new User() as unknown as Record<string, unknown>
    const read = (): Promise<unknown> => router.pool().query('SELECT 1')
    expect(await router.scope(read, { attributes })).toBe(
      await router.scope(read, { attributes: { userId: 7 } }),
    )
  })
})

/** The rejections that nobody had heard of when `fn` was over. */
async function unheard(fn: () => unknown): Promise<unknown[]> {
  const seen: unknown[] = []
  const note = (reason: unknown): void => void seen.push(reason)
  process.on('unhandledRejection', note)
  try {
    await fn()
    await new Promise(setImmediate)
  } finally {
    process.off('unhandledRejection', note)
  }
  return seen
}
