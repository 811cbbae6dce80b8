import { describe, expect, it } from 'vitest'
import {
  createRouter,
  SplitpoolError,
  type DatabaseRouter,
  type Hints,
  type Model,
  type ModelOptions,
  type RouterOptions,
} from '../../src'
import { fakeDatabase, type FakeNode } from '../../src/testing/fake-database'
import { decisionsOf } from './decisions-of'

// The numbers are those of Django's own cases (tests/multiple_database/tests.py), as docs/django.md lists them.

const MODELS = {
  User: { table: 'auth_user', group: 'auth' },
  Book: { table: 'multiple_database_book', group: 'library' },
  Person: { table: 'multiple_database_person', group: 'library' },
  Pet: { table: 'multiple_database_pet', group: 'library' },
  BookAuthors: { table: 'multiple_database_book_authors', group: 'library' },
} satisfies Record<string, ModelOptions>

function routerOf(routers: RouterOptions['routers'] = [], models: Record<string, ModelOptions> = MODELS) {
  const nodes = new Map<string, FakeNode>()
  const router = createRouter({
    databases: { default: fakeDatabase(nodes), other: fakeDatabase(nodes), writer: fakeDatabase(nodes) },
    models,
    routers,
    balancer: { pick: (candidates) => candidates[0]! },
  })
  const query = (sql: string, alias: 'default' | 'other' = 'default'): Promise<unknown> =>
    router.pool(alias).query(sql)
  return { router, nodes, query }
}

type TestedRouter = ReturnType<typeof routerOf>['router']

/** An object of the application's; what it is an instance of stands for its model. */
class UserObject {
  readonly name = 'marty'
}
class BookObject {
  readonly title = 'Pro Django'
}

/** Reads from where the instance is, else from `other`; writes to `default`; relates these two; migrates everywhere. */
function testRouter(aliasOf: (instance: unknown) => string | undefined): DatabaseRouter {
  const pair = ['default', 'other', undefined]
  return {
    dbForRead: (_model, { instance }) => aliasOf(instance) ?? 'other',
    dbForWrite: () => 'default',
    allowRelation: (one, other) => pair.includes(aliasOf(one)) && pair.includes(aliasOf(other)),
    allowMigrate: () => true,
  }
}

class AuthRouter implements DatabaseRouter {
  dbForRead({ group }: Model): string | null {
    return group === 'auth' ? 'default' : null
  }
  dbForWrite({ group }: Model): string | null {
    return group === 'auth' ? 'other' : null
  }
  allowRelation(one: unknown, other: unknown): boolean | null {
    return one instanceof UserObject || other instanceof UserObject ? true : null
  }
  allowMigrate(alias: string, group: string | null): boolean | null {
    return group === 'auth' ? alias === 'other' : null
  }
}

class WriteRouter implements DatabaseRouter {
  dbForWrite(): string {
    return 'writer'
  }
}

/** A router of splitpool, with a chain in which `'test'` is the TestRouter, which asks the router for objects' aliases. */
function withChain(...chain: ('test' | (new () => DatabaseRouter))[]): ReturnType<typeof routerOf> {
  const late: { router?: TestedRouter } = {}
  const made = routerOf(
    chain.map((each) => (each === 'test' ? testRouter((instance) => late.router?.aliasOf(instance)) : each)),
  )
  late.router = made.router
  return made
}

describe('the router chain', () => {
  it('D1: is asked in the configured order, and stops at the first answer', () => {
    const asked: string[] = []
    const noting = (name: string, answer: string | null): DatabaseRouter => ({
      dbForRead: () => {
        asked.push(name)
        return answer
      },
    })
    const { router } = routerOf([noting('first', null), noting('second', 'other'), noting('third', 'writer')])
    expect(router.dbForRead('Book')).toBe('other')
    expect(asked).toEqual(['first', 'second'])
  })

  it('D2: is that of its own router', () => {
    expect(routerOf([WriteRouter]).router.dbForWrite('Book')).toBe('writer')
    expect(routerOf([]).router.dbForWrite('Book')).toBe('default')
  })

  it('D3: takes classes and instances, and keeps their `this`', () => {
    class Own implements DatabaseRouter {
      readonly #alias: string
      constructor(alias = 'other') {
        this.#alias = alias
      }
      dbForRead(): string {
        return this.#alias
      }
    }
    expect(routerOf([Own]).router.dbForRead('Book')).toBe('other')
    expect(routerOf([new Own('writer'), Own]).router.dbForRead('Book')).toBe('writer')
  })

  it('D4: without routers all is in default, and using() beats it', async () => {
    const { router, query } = routerOf()
    expect(router.dbForRead('User')).toBe('default')
    expect(router.dbForWrite('User')).toBe('default')
    expect(router.allowMigrateModel('other', 'User')).toBe(true)
    await router.using('other', async () => {
      expect(router.dbForRead('User')).toBe('other')
      expect(router.dbForWrite('User')).toBe('other')
      expect(await query('SELECT * FROM auth_user')).toMatch(/^other:replica/)
      expect(await router.model('User').pool().query('DELETE FROM auth_user')).toBe('other:primary')
    })
  })

  it('D5: an unhinted read goes where a router says, and using() beats it', async () => {
    const { router, query } = withChain('test')
    expect(router.dbForRead('Book')).toBe('other')
    expect(await query('SELECT * FROM multiple_database_book')).toMatch(/^other:/)
    await router.using('default', async () => {
      expect(router.dbForRead('Book')).toBe('default')
      expect(await query('SELECT * FROM multiple_database_book')).toMatch(/^default:/)
    })
    expect(router.explain('SELECT * FROM multiple_database_book', { alias: 'default' }).alias).toBe('default')
  })

  it('D6: routers may answer some methods and leave the others', () => {
    const { router } = withChain(WriteRouter, AuthRouter, 'test')
    expect(router.dbForRead('User')).toBe('default')
    expect(router.dbForRead('Book')).toBe('other')
    expect(router.dbForWrite('User')).toBe('writer')
    expect(router.dbForWrite('Book')).toBe('writer')
    expect(router.allowRelation(new UserObject(), new BookObject())).toBe(true)
    expect(router.allowMigrateModel('default', 'User')).toBe(false)
    expect(router.allowMigrateModel('default', 'Book')).toBe(true)
  })

  it('D7: the first router with an opinion decides on migrations, also with false', () => {
    const first = withChain('test', AuthRouter).router
    const last = withChain(AuthRouter, 'test').router
    const allowed = (router: TestedRouter): boolean[] =>
      (['default', 'other'] as const).flatMap((alias) => [
        router.allowMigrateModel(alias, 'User'),
        router.allowMigrateModel(alias, 'Book'),
      ])
    expect(allowed(first)).toEqual([true, true, true, true])
    expect(allowed(last)).toEqual([false, true, true, true])
  })

  describe('D8: a method that throws is never taken for a missing one', () => {
    const broken = new AttributeErrorLike()
    it.each<[string, (made: ReturnType<typeof routerOf>) => unknown]>([
      ['dbForRead', ({ router }) => router.dbForRead('Book')],
      ['dbForWrite', ({ router }) => router.dbForWrite('Book')],
      ['allowRelation', ({ router }) => router.allowRelation({}, {})],
      ['allowMigrate', ({ router }) => router.allowMigrate('default', 'library')],
      ['allowMigrateModel', ({ router }) => router.allowMigrateModel('default', 'Book')],
      ['migrationTargets', ({ router }) => router.migrationTargets()],
      ['explain', ({ router }) => router.explain('SELECT * FROM multiple_database_book')],
      ['a read', ({ query }) => query('SELECT * FROM multiple_database_book')],
      ['a write', ({ query }) => query('DELETE FROM multiple_database_book')],
      ['a table of no model', ({ query }) => query('SELECT * FROM loose')],
      ['a model’s pool', ({ router }) => router.model('Book').pool().query('SELECT 1')],
    ])('from %s', async (_from, call) => {
      const made = routerOf([broken, { dbForRead: () => 'other', dbForWrite: () => 'other' }])
      const thrown: unknown = await Promise.resolve()
        .then(() => call(made))
        .catch((error: unknown) => error)
      expect(thrown).toBeInstanceOf(TypeError)
      expect([...made.nodes.values()].flatMap(({ statements }) => statements)).toEqual([])
    })
  })

  it('D9: routers get the model as it was defined, and for a table of no model its name', async () => {
    const seen: Model[] = []
    const { query, router } = routerOf([
      {
        dbForRead: (model) => {
          seen.push(model)
          return null
        },
      },
    ])
    await query('SELECT * FROM multiple_database_book_authors JOIN public.loose ON true')
    await router.model('Pet').pool().query('SELECT 1')
    expect(seen).toMatchObject([
      { name: 'BookAuthors', table: 'multiple_database_book_authors', group: 'library', bind: null },
      { name: null, table: 'public.loose', group: null },
      { name: 'Pet', table: 'multiple_database_pet' },
    ])
    expect(Object.isFrozen(seen[0])).toBe(true)
  })

  it('D10: a refresh asks dbForRead once, with the model and the object itself', async () => {
    const asked: [string | null, Hints][] = []
    const { router } = routerOf([
      {
        dbForRead: ({ name }, hints) => {
          asked.push([name, hints])
          return 'other'
        },
      },
    ])
    const hints = { instance: new BookObject(), more: 1 }
    expect(await router.model('Book', hints).pool().query('SELECT 1')).toMatch(/^other:/)
    expect(asked).toHaveLength(1)
    expect(asked[0]![0]).toBe('Book')
    expect(asked[0]![1]).toBe(hints)
    await router.model('Book', hints).run(() => router.pool().query('SELECT 1'))
    expect(asked[1]![1]).toBe(hints)
  })

  it('D11: an instance hint of nothing is passed on, and says nothing', () => {
    const seen: Hints[] = []
    const { router } = routerOf([
      {
        dbForRead: (_model, hints) => {
          seen.push(hints)
          return undefined
        },
      },
    ])
    for (const instance of [null, undefined, 7, 'text']) {
      expect(router.dbForRead('Book', { instance })).toBe('default')
    }
    expect(seen).toEqual([null, undefined, 7, 'text'].map((instance) => ({ instance })))
  })

  describe.each<[string, keyof typeof MODELS, string]>([
    ['D13: deleting what owns a foreign key', 'Person', 'DELETE FROM multiple_database_person'],
    ['D14: a change through a reverse foreign key', 'Pet', 'UPDATE multiple_database_pet SET name = $1'],
    [
      'D15: adding to many-to-many',
      'BookAuthors',
      'INSERT INTO multiple_database_book_authors VALUES (1, 2)',
    ],
    ['D16: a bulk update over many-to-many', 'Book', 'UPDATE multiple_database_book SET title = $1'],
    [
      'D17: creating through many-to-many asks for the owner',
      'Person',
      'INSERT INTO multiple_database_book VALUES (1)',
    ],
  ])('%s', (_case, model, sql) => {
    it('asks dbForWrite with the model and the hints of the call', async () => {
      const asked: unknown[] = []
      const { router } = routerOf([
        {
          dbForWrite: ({ name }, hints) => {
            asked.push([name, hints])
            return 'writer'
          },
        },
      ])
      const hints = { instance: new UserObject() }
      expect(await router.model(model, hints).pool().query(sql)).toBe('writer:primary')
      expect(asked).toEqual([[model, hints]])
    })
  })

  it('D12: a handle keeps its choice however often it is used', async () => {
    const { router } = withChain('test')
    const instance = router.track(new BookObject(), 'default')
    const handle = router.model('Book', { instance })
    for (let time = 0; time < 3; time++) {
      expect(await handle.pool().query('SELECT 1')).toMatch(/^default:/)
    }
    expect(handle.pool()).toBe(handle.pool())
    expect(router.model('Book')).toBe(router.model('Book'))
  })
})

class AttributeErrorLike implements DatabaseRouter {
  dbForRead(): never {
    return (undefined as unknown as { missing: { deeper: never } }).missing.deeper
  }
  dbForWrite(): never {
    return this.dbForRead()
  }
  allowRelation(): never {
    return this.dbForRead()
  }
  allowMigrate(): never {
    return this.dbForRead()
  }
}

describe('relations', () => {
  /** What Django does when one object is assigned to another. */
  function relate(router: TestedRouter, one: UserObject | BookObject, other: UserObject | BookObject): void {
    for (const [side, instance] of [
      [one, other],
      [other, one],
    ] as const) {
      if (router.aliasOf(side) !== undefined) continue
      const model = side instanceof UserObject ? 'User' : 'Book'
      router.track(side, router.dbForWrite(model, { instance }) as 'default')
    }
    if (!router.allowRelation(one, other)) throw new Error('refused')
  }

  it('D27: objects of one database may be related, those of two may not, and two of none may', () => {
    const { router } = routerOf()
    const [pro, marty] = [
      router.track(new BookObject(), 'default'),
      router.track(new UserObject(), 'default'),
    ]
    const other = router.track(new UserObject(), 'other')
    expect(router.allowRelation(pro, marty)).toBe(true)
    expect(router.allowRelation(pro, other)).toBe(false)
    expect(router.allowRelation(new BookObject(), new UserObject())).toBe(true)
    expect(router.allowRelation(pro, new UserObject())).toBe(false)
  })

  it('D28: a router relates two databases, which moves neither object; saving does', () => {
    const { router } = withChain('test')
    const pro = router.track(new BookObject(), 'default')
    const marty = router.track(new UserObject(), 'other')
    relate(router, pro, marty)
    expect([router.aliasOf(pro), router.aliasOf(marty)]).toEqual(['default', 'other'])
    router.track(marty, router.dbForWrite('User', { instance: marty }) as 'default')
    expect(router.aliasOf(marty)).toBe('default')
  })

  it('D29: what is assigned to a saved object gets a database from dbForWrite, with the other as its hint', () => {
    const { router } = routerOf()
    const saved = router.track(new UserObject(), 'other')
    const fresh = new BookObject()
    relate(router, fresh, saved)
    expect(router.aliasOf(fresh)).toBe('other')
  })

  it('D30: links between two databases go to the write database, and move no object', async () => {
    const { router } = withChain('test')
    const pro = router.track(new BookObject(), 'other')
    const links = router.model('BookAuthors', { instance: pro }).pool()
    expect(await links.query('INSERT INTO multiple_database_book_authors VALUES (1, 2)')).toBe(
      'default:primary',
    )
    expect(router.aliasOf(pro)).toBe('other')
  })

  it('D31: a router that refuses all refuses objects that are nowhere yet', () => {
    const { router } = routerOf([{ allowRelation: () => false }])
    expect(router.allowRelation(new BookObject(), new UserObject())).toBe(false)
    expect(() => {
      relate(router, new BookObject(), new UserObject())
    }).toThrow('refused')
  })

  it('a router gets both objects and the hints as they are', () => {
    const seen: unknown[] = []
    const { router } = routerOf([
      {
        allowRelation: (...given) => {
          seen.push(...given)
          return null
        },
      },
    ])
    const [one, other, hints] = [new BookObject(), new UserObject(), { why: 'test' }]
    router.allowRelation(one, other, hints)
    expect(seen[0]).toBe(one)
    expect(seen[1]).toBe(other)
    expect(seen[2]).toBe(hints)
  })
})

describe('hints.instance', () => {
  it('gives its own database when no router answers, after the bind key', () => {
    const { router } = routerOf([], { ...MODELS, Bound: { bind: 'writer' } })
    const instance = router.track(new BookObject(), 'other')
    expect(router.dbForRead('Book', { instance })).toBe('other')
    expect(router.dbForWrite('Book', { instance })).toBe('other')
    expect(router.dbForRead('Bound', { instance })).toBe('writer')
    expect(router.explain('SELECT 1', { model: 'Book', hints: { instance } })).toMatchObject({
      alias: 'other',
      databaseRule: 'instance',
    })
  })

  it('is asked for after the routers', () => {
    const { router } = routerOf([WriteRouter])
    const instance = router.track(new BookObject(), 'other')
    expect(router.dbForRead('Book', { instance })).toBe('other')
    expect(router.dbForWrite('Book', { instance })).toBe('writer')
  })

  it('track takes what dbForRead answers, returns the object, and refuses what is neither', () => {
    const { router } = routerOf([{ dbForRead: () => 'other:replica-1' }])
    const book = new BookObject()
    expect(router.track(book, router.dbForRead('Book') as 'other:replica-1')).toBe(book)
    expect(router.aliasOf(book)).toBe('other')
    expect(() => router.track(book, 'nowhere' as 'other')).toThrow(/nowhere.*default, other, writer/)
    expect(router.aliasOf(book)).toBe('other')
    expect(() => router.track(7 as never, 'other')).toThrow(/track\(instance\): expected an object, got 7/)
    expect(router.aliasOf(7)).toBeUndefined()
  })

  it('rows that come through a model are tracked by themselves, in the database they came from', async () => {
    const { router, nodes, query } = routerOf([
      { dbForRead: ({ name }) => (name === 'Book' ? 'other' : null) },
    ])
    for (const node of nodes.values()) node.answer = () => [{ from: node.id }, null, 7]
    const rowsOf = (result: unknown): object[] => (result as object[]).slice(0, 1)
    const pool = router.model('Book').pool()
    const viaPool = rowsOf(await pool.query('SELECT 1'))
    const viaClient = rowsOf(await pool.connect().query('SELECT 1'))
    const viaFrame = rowsOf(await router.model('Book').run(() => query('SELECT 1')))
    const written = rowsOf(await pool.query('DELETE FROM multiple_database_book RETURNING *'))
    const aliases = [...viaPool, ...viaClient, ...viaFrame].map((row) => router.aliasOf(row))
    expect(aliases).toEqual(['other', 'other', 'other'])
    expect(router.aliasOf(written[0])).toBe('default')
    const plain = rowsOf(await query('SELECT * FROM multiple_database_book'))
    expect(router.aliasOf(plain[0])).toBeUndefined()
    const inside = await router
      .model('Book')
      .run(() => router.transaction((tx) => tx.query('SELECT 1 FROM x FOR UPDATE')))
    expect(router.aliasOf(rowsOf(inside)[0])).toBe('default')
  })
})

describe('answers of a router', () => {
  class Answering implements DatabaseRouter {
    static answer: unknown
    dbForRead(): string {
      return Answering.answer as string
    }
    dbForWrite(): string {
      return Answering.answer as string
    }
    allowRelation(): boolean {
      return Answering.answer as boolean
    }
    allowMigrate(): boolean {
      return Answering.answer as boolean
    }
  }

  it.each([null, undefined, false, '', 0])('%o is no opinion on an alias', (answer) => {
    Answering.answer = answer
    expect(routerOf([Answering]).router.dbForRead('Book')).toBe('default')
    expect(routerOf([Answering, WriteRouter]).router.dbForWrite('Book')).toBe('writer')
  })

  it.each([
    [null, true],
    [undefined, true],
    [false, false],
    [true, true],
    [0, false],
  ])('%o of a veto is %o', (answer, allowed) => {
    Answering.answer = answer
    const { router } = routerOf([Answering])
    expect(router.allowMigrate('other', 'library')).toBe(allowed)
    expect(router.allowRelation({}, {})).toBe(allowed)
  })

  it.each<[unknown, string, RegExp]>([
    [
      'nowhere',
      'ERR_UNKNOWN_ALIAS',
      /^Answering\.dbForRead answered for Book: .*"nowhere"; there is default, other/,
    ],
    [
      'other:replica-9',
      'ERR_UNKNOWN_NODE',
      /^Answering\.dbForRead answered for Book: .*"other:replica-9"; other has/,
    ],
    [7, 'ERR_ROUTER_ANSWER', /^Answering\.dbForRead answered for Book with number/],
    [{}, 'ERR_ROUTER_ANSWER', /Answering\.dbForRead answered for Book with object/],
    [Promise.resolve('other'), 'ERR_ROUTER_ANSWER', /Answering\.dbForRead answered with a promise/],
  ])('%o is refused by name', async (answer, code, says) => {
    Answering.answer = answer
    const { router, query } = routerOf([Answering])
    const thrown = await query('SELECT * FROM multiple_database_book').catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(SplitpoolError)
    expect(thrown).toMatchObject({ code })
    expect((thrown as Error).message).toMatch(says)
    expect(() => router.dbForRead('Book')).toThrow(says)
  })

  it('a replica is no answer for a write', () => {
    Answering.answer = 'other:replica-1'
    expect(() => routerOf([Answering]).router.dbForWrite('Book')).toThrow(
      /Answering\.dbForWrite sends writes of Book to other:replica-1/,
    )
  })

  it('a promise of a veto is refused, and its rejection ends nothing', () => {
    Answering.answer = Promise.reject(new Error('nobody waits'))
    const { router } = routerOf([Answering])
    const refused = /Answering\.\w+ answered with a promise/
    expect(() => router.allowRelation({}, {})).toThrow(refused)
    expect(() => router.allowMigrate('other', null)).toThrow(refused)
    expect(() => router.dbForWrite('Book')).toThrow(refused)
  })

  it('an object that has no class is named by its place', () => {
    const { router } = routerOf([{}, { dbForRead: () => 'nowhere' }])
    expect(() => router.dbForRead('Book')).toThrow(/^routers\[1\]\.dbForRead answered for Book: /)
  })

  it('so are one without a prototype and one whose class has no name', () => {
    const bare = Object.assign(Object.create(null) as object, { dbForRead: () => 'nowhere' })
    const says = /^routers\[1\]\.dbForRead answered for Book: /
    expect(() => routerOf([{}, bare]).router.dbForRead('Book')).toThrow(says)
    const nameless = new (class {
      readonly dbForRead = (): string => 'nowhere'
    })()
    expect(() => routerOf([{}, nameless]).router.dbForRead('Book')).toThrow(says)
  })

  it('hints that a call does not give are a fresh object, which routers may add to', () => {
    const seen: unknown[] = []
    const adding: DatabaseRouter = {
      dbForRead: (_model, hints) => {
        seen.push({ ...hints })
        Object.assign(hints, { asked: true })
        return null
      },
      allowRelation: (_one, _other, hints) => {
        seen.push({ ...hints })
        Object.assign(hints, { asked: true })
        return null
      },
    }
    const { router, query } = routerOf([adding, adding])
    router.dbForRead('Book')
    router.dbForRead('Book')
    router.allowRelation({}, {})
    router.explain('SELECT * FROM multiple_database_book')
    expect(seen).toEqual(Array.from({ length: 4 }, () => [{}, { asked: true }]).flat())
    return expect(query('SELECT * FROM multiple_database_book')).resolves.toMatch(/^default/)
  })

  it.each([null, 5, 'a', []])('hints that are %o are refused', (given) => {
    const { router } = routerOf()
    const hints = given as never
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_OPTION',
      message: expect.stringMatching(/^hints: expected an object, got /) as string,
    }) as Error
    expect(() => router.dbForRead('Book', hints)).toThrow(refused)
    expect(() => router.dbForWrite('Book', hints)).toThrow(refused)
    expect(() => router.model('Book', hints)).toThrow(refused)
    expect(() => router.explain('SELECT 1', { hints })).toThrow(refused)
    expect(() => router.allowRelation({}, {}, hints)).toThrow(refused)
    expect(() => router.allowMigrate('other', null, hints)).toThrow(refused)
  })

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, 'a number'],
    [{}, 'an object'],
    [Symbol('other'), 'a symbol'],
  ])('%s is refused as an alias, with those that exist', (given, shown) => {
    const { router } = routerOf()
    const alias = given as never
    const run = (): void => {
      throw new Error('not to be called')
    }
    const message = `Unknown database alias ${shown}; there is default, other`
    const refused = expect.objectContaining({
      code: 'ERR_UNKNOWN_ALIAS',
      message: expect.stringContaining(message) as string,
    }) as Error
    expect(() => {
      router.using(alias, run)
    }).toThrow(refused)
    expect(() => router.track({}, alias)).toThrow(refused)
    if (given === undefined) return
    expect(() => router.pool(alias)).toThrow(refused)
    expect(() => {
      router.with({ alias }, run)
    }).toThrow(refused)
    expect(() => router.explain('SELECT 1', { alias })).toThrow(refused)
  })

  it('what is no method is refused when the router is made', () => {
    expect(() => routerOf([{ dbForRead: 'other' } as never])).toThrow(
      'routers[0].dbForRead: expected a method',
    )
  })

  it('allowMigrate names an alias that no database has', () => {
    expect(() => routerOf().router.allowMigrate('nowhere' as 'other', null)).toThrow(
      /nowhere.*default, other/,
    )
  })
})

describe('transactions and the chain', () => {
  it('a read that the chain sends to the database of an open transaction uses its connection', async () => {
    for (const answer of ['other', 'other:replica-1', 'other:primary']) {
      const { router, nodes } = routerOf([{ dbForRead: () => answer }])
      const decisions = await decisionsOf(() =>
        router.transaction(
          async () => {
            expect(await router.model('Book').pool().query('SELECT 1')).toBe('other:primary')
            await router.pool('other').query('SELECT * FROM multiple_database_book')
          },
          { alias: 'other' },
        ),
      )
      expect(decisions.every(({ nodeId }) => nodeId === 'other:primary')).toBe(true)
      expect(decisions.filter(({ rule }) => rule === 'transaction').length).toBeGreaterThanOrEqual(2)
      expect(nodes.get('other:primary')!.borrowed).toBe(0)
      expect(nodes.get('other:replica-1')!.statements).toEqual([])
    }
  })

  it('a transaction that is begun about a model is where its writes go, unlike Django’s atomic()', async () => {
    const { router, nodes } = routerOf([WriteRouter])
    await router
      .model('Book')
      .run(() => router.transaction((tx) => tx.query('DELETE FROM multiple_database_book')))
    expect(nodes.get('writer:primary')!.statements.at(0)).toMatch(/^BEGIN|START/)
    await router.using('other', () =>
      router.model('Book').run(() => router.transaction((tx) => tx.query('SELECT 1'))),
    )
    expect(nodes.get('other:primary')!.statements.at(0)).toMatch(/^BEGIN|START/)
  })
})

describe('across databases', () => {
  it('D33: a sub-query of another database is refused, and the message says to run it first', async () => {
    const { query } = routerOf([{ dbForRead: ({ name }) => (name === 'Person' ? 'other' : null) }])
    const sql =
      'SELECT * FROM multiple_database_book WHERE editor IN (SELECT id FROM multiple_database_person)'
    await expect(query(sql)).rejects.toMatchObject({
      code: 'ERR_CROSS_DATABASE',
      message: expect.stringMatching(
        /multiple_database_book lives in default, table multiple_database_person in other\. Run the inner query first/,
      ) as string,
    })
  })

  it('D34: one whose database nobody gave forces no mismatch', async () => {
    const { query } = routerOf([{ dbForRead: ({ name }) => (name === 'Book' ? 'other' : null) }])
    expect(await query('SELECT * FROM multiple_database_book WHERE id IN (SELECT id FROM loose)')).toMatch(
      /^other:/,
    )
  })
})
