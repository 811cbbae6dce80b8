import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRouter, hashRouter, verticalRouter, type RouterOptions } from '../../src'
import { mysql } from '../../src/adapters/mysql2'
import { postgres } from '../../src/adapters/pg'
import { fakeDatabase, type FakeNode } from '../../src/testing/fake-database'

function routerOf(
  routers: RouterOptions['routers'],
  aliases: readonly string[] = ['default', 'eu', 'us', 'asia'],
) {
  const nodes = new Map<string, FakeNode>()
  return createRouter({
    databases: Object.fromEntries(aliases.map((alias) => [alias, fakeDatabase(nodes)])),
    models: {
      Order: { table: 'orders', group: 'shop' },
      Invoice: { table: 'invoices', group: 'billing' },
      User: { table: 't_user', group: 'auth' },
      Country: { table: 'countries' },
    },
    routers: routers ?? [],
  })
}

describe('hashRouter', () => {
  const byCustomer = (aliases: readonly string[], models = ['Order']): ReturnType<typeof hashRouter> =>
    hashRouter({ aliases, models, key: (_model, hints) => hints['customer'] })
  const aliasesOf = (aliases: readonly string[], keys: readonly string[]): string[] => {
    const router = routerOf([byCustomer(aliases)])
    return keys.map((customer) => router.dbForRead('Order', { customer }))
  }

  it('reads and writes what belongs to one key in one database, whichever type the key has', () => {
    const router = routerOf([byCustomer(['eu', 'us'])])
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer()), (customer) => {
        const alias = router.dbForRead('Order', { customer })
        expect(['eu', 'us']).toContain(alias)
        expect(router.dbForWrite('Order', { customer })).toBe(alias)
        expect(router.dbForRead('Order', { customer: String(customer) })).toBe(alias)
      }),
    )
  })

  it('gives one more alias its share of the keys, and moves no others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 600, maxLength: 600 }), (keys) => {
        const before = aliasesOf(['eu', 'us'], keys)
        const after = aliasesOf(['asia', 'us', 'eu'], keys)
        const moved = keys.filter((_key, index) => before[index] !== after[index])
        expect(after.filter((alias) => alias === 'asia')).toHaveLength(moved.length)
        // A third of them, by five standard deviations.
        expect(Math.abs(moved.length - 200)).toBeLessThan(60)
      }),
      { numRuns: 20 },
    )
  })

  it('has no opinion without a key, and on models that are not spread', () => {
    const router = routerOf([byCustomer(['eu', 'us']), { dbForRead: () => 'asia' }])
    for (const customer of [null, undefined]) expect(router.dbForRead('Order', { customer })).toBe('asia')
    expect(router.dbForRead('User', { customer: 1 })).toBe('asia')
    expect(router.explain('SELECT * FROM loose', { hints: { customer: 1 } }).alias).toBe('asia')
  })

  it('puts the tables of the models that are spread in each of its databases, and in no other', () => {
    expect(routerOf([byCustomer(['eu', 'us'])]).migrationTargets()).toEqual({
      default: ['Invoice', 'User', 'Country'],
      eu: ['Order'],
      us: ['Order'],
      asia: [],
    })
    const any = hashRouter({ aliases: ['eu', 'us'], key: () => 1 })
    expect(routerOf([any]).dbForRead('Country')).toMatch(/^eu|us$/)
  })

  it.each([{}, [1], Number.NaN, Promise.resolve('a'), true])('refuses %o as a key', (customer) => {
    const router = routerOf([byCustomer(['eu', 'us'])])
    expect(() => router.dbForRead('Order', { customer })).toThrow(
      expect.objectContaining({ code: 'ERR_KEY' }),
    )
  })

  it('is refused when it is made, or when the router is', () => {
    const key = (): number => 1
    expect(() => hashRouter({ aliases: [], key })).toThrow('hashRouter.aliases')
    expect(() => hashRouter({ aliases: ['eu', 'eu'], key })).toThrow('hashRouter.aliases')
    expect(() => hashRouter({ aliases: ['eu', 5 as never], key })).toThrow('hashRouter.aliases')
    expect(() => hashRouter({ aliases: ['eu'], key: 'customer' as never })).toThrow(
      'hashRouter.key: expected a function (model, hints), got a string',
    )
    expect(() => hashRouter({ aliases: ['eu'] } as never)).toThrow('hashRouter.key: expected a function')
    expect(() => hashRouter({ aliases: ['eu'], key, model: ['Order'] } as never)).toThrow(
      'hashRouter.model: unknown option; expected one of aliases, key, models',
    )
    for (const models of ['Order', [], ['Order', 'Order'], [{ name: 'Order' }], new Set(['Order']), null]) {
      expect(() => hashRouter({ aliases: ['eu'], key, models: models as never })).toThrow(
        'hashRouter.models: expected an array of names of models',
      )
    }
    for (const options of [undefined, null, [], 'eu', new Map()]) {
      expect(() => hashRouter(options as never)).toThrow(
        'hashRouter: expected an object with aliases, key, models, got ',
      )
    }
    expect(() => routerOf([hashRouter({ aliases: ['eu', 'mars'], key })])).toThrow(
      `routers[0]: the alias: expected one of 'default', 'eu', 'us', 'asia', got "mars"`,
    )
  })
})

it('a key that is a promise is refused, and its rejection ends nothing', async () => {
  const unheard: unknown[] = []
  const hear = (error: unknown): void => void unheard.push(error)
  process.on('unhandledRejection', hear)
  const router = routerOf([
    hashRouter({ aliases: ['eu', 'us'], key: () => Promise.reject(new Error('nobody waits')) }),
  ])
  expect(() => router.dbForRead('Order')).toThrow(/key of hashRouter .* gave a promise/)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', hear)
  expect(unheard).toEqual([])
})

describe('verticalRouter', () => {
  const split = verticalRouter({ groups: { billing: 'eu', auth: 'us' }, models: { User: 'asia' } })

  it('gives each group a database, and a model its own', () => {
    const router = routerOf([split])
    expect(['Invoice', 'User', 'Order', 'Country'].map((name) => router.dbForWrite(name))).toEqual([
      'eu',
      'asia',
      'default',
      'default',
    ])
    expect(router.explain('SELECT * FROM invoices')).toMatchObject({
      alias: 'eu',
      databaseRule: 'router-chain',
    })
    expect(router.dbForRead('Invoice')).toBe('eu')
  })

  it('allows their tables there alone', () => {
    const router = routerOf([split])
    expect(router.migrationTargets()).toEqual({
      default: ['Order', 'Country'],
      eu: ['Invoice'],
      us: [],
      asia: ['User'],
    })
    expect(router.allowMigrate('default', 'billing')).toBe(false)
    expect(router.allowMigrate('eu', 'billing')).toBe(true)
    expect(router.allowMigrate('eu', 'shop')).toBe(true)
    expect(router.allowMigrate('eu', null)).toBe(true)
  })

  it('is refused when it says nothing, or names a database that is none', () => {
    expect(() => verticalRouter({})).toThrow('verticalRouter: expected groups or models')
    for (const options of [undefined, null, [], new Map()]) {
      expect(() => verticalRouter(options as never)).toThrow(
        'verticalRouter: expected an object with groups, models, got ',
      )
    }
    expect(() => verticalRouter({ group: { billing: 'eu' } } as never)).toThrow(
      'verticalRouter.group: unknown option; expected one of groups, models',
    )
    for (const groups of [null, ['eu'], 'eu', new Map([['billing', 'eu']])]) {
      expect(() => verticalRouter({ groups: groups as never, models: { User: 'eu' } })).toThrow(
        'verticalRouter.groups: expected an object with an alias by each name, got ',
      )
    }
    expect(() => verticalRouter({ models: { User: null as never } })).toThrow(
      'verticalRouter.models.User: expected an alias, got null',
    )
    expect(() => routerOf([verticalRouter({ groups: { billing: 'mars' } })])).toThrow(/routers\[0\].*"mars"/)
  })
})

describe('aliases on the same servers', () => {
  const JOIN = 'SELECT * FROM article JOIN t_user ON true'
  const models = { Article: {}, User: { table: 't_user', bind: 'users' } }
  const across = async (databases: RouterOptions['databases'], sql = JOIN): Promise<string> => {
    const router = createRouter({ databases, models })
    try {
      return router.explain(sql).alias
    } catch (error) {
      return (error as { code: string }).code
    } finally {
      await router.close()
    }
  }
  const one = 'postgres://app@db1/app'

  it('may be joined over PostgreSQL when all nodes are the same, databases included', async () => {
    expect(await across({ default: postgres({ primary: one }), users: postgres({ primary: one }) })).toBe(
      'default',
    )
    const options = { host: 'db1', user: 'other', database: 'app', port: 5432 }
    expect(
      await across({
        default: postgres({ primary: one, replicas: ['postgres://a@db2/app', 'postgres://a@db3/app'] }),
        users: postgres({ primary: options, replicas: ['postgres://a@db3/app', 'postgres://a@db2/app'] }),
      }),
    ).toBe('default')
    expect(
      await across(
        { default: postgres({ primary: one }), users: postgres({ primary: one }) },
        'SELECT * FROM t_user, article',
      ),
    ).toBe('users')
  })

  it.each<[string, RouterOptions['databases']]>([
    [
      'another database',
      { default: postgres({ primary: one }), users: postgres({ primary: 'postgres://app@db1/users' }) },
    ],
    [
      'another port',
      { default: postgres({ primary: one }), users: postgres({ primary: 'postgres://app@db1:5433/app' }) },
    ],
    [
      'another host',
      { default: postgres({ primary: one }), users: postgres({ primary: 'postgres://app@db2/app' }) },
    ],
    [
      'other replicas',
      {
        default: postgres({ primary: one, replicas: ['postgres://a@db2/app'] }),
        users: postgres({ primary: one }),
      },
    ],
    [
      'more replicas',
      {
        default: postgres({ primary: one }),
        users: postgres({ primary: one, replicas: ['postgres://a@db2/app'] }),
      },
    ],
    [
      'another driver',
      { default: postgres({ primary: one }), users: mysql({ primary: 'mysql://db1:5432/app' }) },
    ],
    ['fakes', { default: fakeDatabase(new Map()), users: fakeDatabase(new Map()) }],
  ])('may not with %s', async (_what, databases) => {
    expect(await across(databases)).toBe('ERR_CROSS_DATABASE')
  })

  it('may be joined over MySQL with another database when the tables say which', async () => {
    const two = {
      default: mysql({ primary: 'mysql://app@db1/app' }),
      users: mysql({ primary: 'mysql://app@db1:3306/users' }),
    }
    expect(await across(two)).toBe('ERR_CROSS_DATABASE')
    expect(await across(two, 'SELECT * FROM article JOIN users.t_user ON true')).toBe('default')
    expect(await across({ ...two, users: mysql({ primary: 'mysql://app@db1/app' }) })).toBe('default')
    expect(
      await across({
        default: mysql({ primary: { socketPath: '/run/a.sock', database: 'app' } }),
        users: mysql({ primary: { socketPath: '/run/b.sock', database: 'app' } }),
      }),
    ).toBe('ERR_CROSS_DATABASE')
  })
})
