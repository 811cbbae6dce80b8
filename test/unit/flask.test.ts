import { describe, expect, it } from 'vitest'
import { createRouter, SplitpoolError, type ModelKey, type ModelOptions, type RouterOptions } from '../../src'
import { fakeDatabase, type FakeNode, type FakePool } from '../../src/testing/fake-database'

// The numbers are those of the cases in Flask-SQLAlchemy's own tests, as docs/flask.md lists them.

function routerOf(models: Record<string, ModelOptions> = {}, more: Partial<RouterOptions> = {}) {
  const nodes = new Map<string, FakeNode>()
  const router = createRouter({
    databases: { default: fakeDatabase(nodes), users: fakeDatabase(nodes), other: fakeDatabase(nodes) },
    models,
    ...more,
  })
  const aliasOf = (sql: string, model?: ModelKey): string =>
    router.explain(sql, model === undefined ? {} : { model }).alias
  return { router, nodes, aliasOf, query: (sql: string) => (router.pool() as FakePool).query(sql) }
}

function refusal(fn: () => unknown): SplitpoolError {
  try {
    fn()
  } catch (error) {
    expect(error).toBeInstanceOf(SplitpoolError)
    return error as SplitpoolError
  }
  throw new Error('it was taken')
}

describe('bind keys', () => {
  it('F1: a model without a key is in default', () => {
    const { router, aliasOf } = routerOf({ Article: {} })
    expect(aliasOf('SELECT * FROM article')).toBe('default')
    expect(router.dbForRead('Article')).toBe('default')
    expect(router.aliasesFor('Article')).toEqual(['default'])
  })

  it('F2: a model with a key is in the database of the key', () => {
    const { router, aliasOf } = routerOf({ User: { table: 't_user', bind: 'users' } })
    expect(aliasOf('SELECT * FROM t_user')).toBe('users')
    expect(aliasOf('SELECT 1', 'User')).toBe('users')
    expect(router.dbForWrite('User')).toBe('users')
  })

  it('F3: one table name under two keys: the model tells, and the text alone is nobody’s', () => {
    const { router, aliasOf } = routerOf({
      Left: { table: 'twice', bind: 'users' },
      Right: { table: 'twice', bind: 'other' },
    })
    expect(aliasOf('SELECT * FROM twice', 'Left')).toBe('users')
    expect(aliasOf('SELECT * FROM twice', 'Right')).toBe('other')
    expect(router.explain('SELECT * FROM twice')).toMatchObject({ alias: 'default', databaseRule: 'default' })
  })

  it('F4: a child has the key of its parent, and its own when it gives one', () => {
    const { aliasOf } = routerOf({
      Child: { extends: 'Parent', table: 'child' },
      Moved: { extends: 'Child', table: 'moved', bind: 'other' },
      Parent: { table: 'parent', bind: 'users' },
    })
    expect(['parent', 'child', 'moved'].map((table) => aliasOf(`SELECT * FROM ${table}`))).toEqual([
      'users',
      'users',
      'other',
    ])
  })

  it('F5: also the key of an abstract parent, which has no table', () => {
    const { router, aliasOf } = routerOf({
      Base: { abstract: true, bind: 'users', group: 'accounts', reads: 'primary' },
      User: { extends: 'Base' },
    })
    expect(router.explain('SELECT * FROM "user"')).toMatchObject({ alias: 'users', rule: 'read-preference' })
    expect(router.model('User').model).toMatchObject({ table: 'user', group: 'accounts', bind: 'users' })
    expect(aliasOf('SELECT * FROM base')).toBe('default')
    expect(router.migrationTargets()).toEqual({ default: [], users: ['User'], other: [] })
    expect(refusal(() => router.model('Base')).message).toMatch(/Model Base is abstract/)
  })

  it('F6, F7: what a child gives itself comes before what it inherits', () => {
    const { router } = routerOf({
      Parent: { table: 'parent', bind: 'users', reads: 'primary', group: 'a' },
      Same: { extends: 'Parent' },
      Own: { extends: 'Parent', table: 'own', bind: 'default', reads: 'replica', group: 'b' },
    })
    expect(router.model('Same').model).toMatchObject({
      table: 'parent',
      bind: 'users',
      reads: 'primary',
      group: 'a',
    })
    expect(router.model('Own').model).toMatchObject({
      table: 'own',
      bind: 'default',
      reads: 'replica',
      group: 'b',
    })
  })

  it('F8: every model is resolved to its database, and what is no model is an error that says so', () => {
    const { router } = routerOf({ User: { bind: 'users' }, Article: {} })
    expect([router.dbForRead('User'), router.dbForRead('Article')]).toEqual(['users', 'default'])
    class Unmapped {
      readonly id = 1
    }
    for (const unknown of [Unmapped, 'Unmapped']) {
      expect(refusal(() => router.dbForRead(unknown))).toMatchObject({ code: 'ERR_UNKNOWN_MODEL' })
      expect(() => router.model(unknown)).toThrow(/Unmapped.*there is User, Article/)
    }
  })

  it('F9: a child with a table of its own is found in the database of its parent, joined or alone', () => {
    const { aliasOf } = routerOf({
      Parent: { table: 'parent', bind: 'users' },
      Child: { extends: 'Parent', table: 'child' },
    })
    expect(aliasOf('SELECT * FROM child JOIN parent USING (id)')).toBe('users')
    expect(aliasOf('SELECT * FROM child')).toBe('users')
  })

  it('F10: a statement on a bound table goes there, whoever made it', async () => {
    const { query } = routerOf({ User: { table: 't_user', bind: 'users' } })
    expect(await query('INSERT INTO t_user VALUES (1)')).toBe('users:primary')
    expect(await query('UPDATE "t_user" SET a = 1')).toBe('users:primary')
    expect(await query('DELETE FROM public.t_user')).toBe('users:primary')
  })

  it('F11: says where each table is to be created: in all, in one, in none', () => {
    const { router } = routerOf({ User: { bind: 'users' }, Group: { bind: 'users' }, Article: {} })
    expect(router.migrationTargets()).toEqual({ default: ['Article'], users: ['User', 'Group'], other: [] })
    expect(router.aliasesFor('Group')).toEqual(['users'])
    expect(router.aliasesFor()).toEqual(['default', 'users', 'other'])
  })

  it('F12: without a default database every model needs a key', () => {
    const databases = { users: fakeDatabase(new Map()) }
    expect(createRouter({ databases, models: { User: { bind: 'users' } } }).dbForRead('User')).toBe('users')
    const without = refusal(() => createRouter({ databases, models: { User: {} } }))
    expect(without.message).toMatch(/models\.User\.bind: expected 'users'/)
    const router = createRouter({ databases })
    expect(
      refusal(() => {
        router.defineModel('User', {})
      }).message,
    ).toMatch(/defineModel\(User\)\.bind: expected 'users'/)
    expect(() => router.model('User')).toThrow(/Unknown model/)
    router.defineModel('Base', { abstract: true, bind: 'users' })
    router.defineModel('User', { extends: 'Base' })
    expect(router.dbForRead('User')).toBe('users')
  })

  it('F13: what a database says of itself comes before what is said of all, and a model before both', () => {
    const nodes = new Map<string, FakeNode>()
    const router = createRouter({
      reads: 'primary',
      databases: { default: fakeDatabase(nodes), users: fakeDatabase(nodes, { reads: 'replica' }) },
      models: { Article: {}, User: { bind: 'users' }, Ledger: { bind: 'users', reads: 'primary' } },
    })
    const roles = ['article', '"user"', 'ledger'].map(
      (table) => router.explain(`SELECT * FROM ${table}`).role,
    )
    expect(roles).toEqual(['primary', 'replica', 'primary'])
  })

  it('F14: what a scope has done to a database is not known in another scope', async () => {
    const { router, query } = routerOf({ User: { table: 't_user', bind: 'users' } })
    await router.scope(async () => {
      await query('DELETE FROM t_user')
      expect(await query('SELECT * FROM t_user')).toBe('users:primary')
      expect(await router.scope(() => query('SELECT * FROM t_user'))).toMatch(/^users:replica/)
    })
  })
})

const [NAMELESS] = [
  class {
    readonly id = 1
  },
] as const

describe('defineModel', () => {
  class Base {
    readonly id = 1
  }
  class User extends Base {}
  class Admin extends User {}
  class Guest extends User {}

  it('takes classes, and a class has what the nearest defined one above it has', () => {
    const { router, aliasOf } = routerOf()
    router.defineModel(Base, { abstract: true, bind: 'users' })
    router.defineModel(User, { table: 't_user' })
    router.defineModel(Admin)
    expect(router.model(Admin).model).toMatchObject({ name: 'Admin', table: 't_user', bind: 'users' })
    expect(router.dbForRead('Admin')).toBe('users')
    expect(router.dbForRead(Guest), 'one that is not defined is what it extends').toBe('users')
    expect(router.aliasesFor(new Guest())).toEqual(['users'])
    expect(aliasOf('SELECT * FROM t_user')).toBe('users')
    expect(refusal(() => router.aliasesFor({})).message).toMatch(/Unknown model class Object/)
    expect(router.aliasesFor(router.track({}, 'other'))).toEqual(['other'])
  })

  it('binds at once: later changes of the options, or of a parent, change nothing', () => {
    const { router } = routerOf()
    const options = { table: 't_user', bind: 'users' }
    router.defineModel('User', options)
    options.bind = 'other'
    options.table = 'elsewhere'
    expect(router.model('User').model).toMatchObject({ table: 't_user', bind: 'users' })
    expect(router.explain('SELECT * FROM t_user').alias).toBe('users')
  })

  it('holds for statements that were sent before it', async () => {
    const { router, query } = routerOf()
    expect(await query('SELECT * FROM t_user')).toMatch(/^default:/)
    router.defineModel('User', { table: 't_user', bind: 'users' })
    expect(await query('SELECT * FROM t_user')).toMatch(/^users:/)
  })

  it.each<[string, (router: ReturnType<typeof routerOf>['router']) => void, RegExp]>([
    [
      'an unknown key',
      (router) => {
        router.defineModel('A', { bind: 'nowhere' })
      },
      /defineModel\(A\)\.bind: expected one of 'default', 'users', 'other', got "nowhere"/,
    ],
    [
      'a model defined twice',
      (router) => {
        router.defineModel('User')
      },
      /Model User is defined already \(table t_user, bind users\)/,
    ],
    [
      'a class of the same name',
      (router) => {
        router.defineModel(User, { table: 'x' })
      },
      /Model User is defined already/,
    ],
    [
      'a model that extends itself',
      (router) => {
        router.defineModel('A', { extends: 'A' })
      },
      /models\.A\.extends: .*A → A/,
    ],
    [
      'a parent that nobody defined',
      (router) => {
        router.defineModel('A', { extends: 'B' })
      },
      /Model A extends another: Unknown model "B"; there is User/,
    ],
    [
      'a class that nobody defined',
      (router) => {
        router.defineModel('A', { extends: Base })
      },
      /Unknown model class Base/,
    ],
    [
      'a class without a name',
      (router) => {
        router.defineModel(NAMELESS)
      },
      /defineModel\(model\): expected a name, or a class that has one/,
    ],
    [
      'no model',
      (router) => {
        router.defineModel('')
      },
      /defineModel\(model\): expected a name/,
    ],
    [
      'an option that is none',
      (router) => {
        router.defineModel('A', { tabel: 'x' } as never)
      },
      /defineModel\(A\)\.tabel: unknown option/,
    ],
    [
      'a table of an abstract model',
      (router) => {
        router.defineModel('A', { abstract: true, table: 'x' })
      },
      /defineModel\(A\)\.table: expected none/,
    ],
    [
      'a group that is no name',
      (router) => {
        router.defineModel('A', { group: 5 as never })
      },
      /defineModel\(A\)\.group/,
    ],
    [
      'a parent that is none',
      (router) => {
        router.defineModel('A', { extends: 5 as never })
      },
      /defineModel\(A\)\.extends/,
    ],
    [
      'abstract that is neither',
      (router) => {
        router.defineModel('A', { abstract: 1 as never })
      },
      /defineModel\(A\)\.abstract/,
    ],
    [
      'a tag that no node has',
      (router) => {
        router.defineModel('A', { readFrom: ['eu'] })
      },
      /defineModel\(A\)\.readFrom/,
    ],
    [
      'a balancer that is none',
      (router) => {
        router.defineModel('A', { balancer: 'best' as never })
      },
      /defineModel\(A\)\.balancer/,
    ],
  ])('refuses %s, and defines nothing', (_what, define, says) => {
    const { router } = routerOf({ User: { table: 't_user', bind: 'users' } })
    expect(
      refusal(() => {
        define(router)
      }).message,
    ).toMatch(says)
    expect(router.migrationTargets()).toEqual({ default: [], users: ['User'], other: [] })
  })

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, 'a number'],
    [{}, 'an object'],
  ])('%o is no model, and the message says which there are', (given, shown) => {
    const { router } = routerOf({ User: {} })
    const key = given as never
    const message = `Unknown model ${shown}, expected its name or its class; there is User`
    const unknown = expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL', message }) as Error
    expect(() => router.model(key)).toThrow(unknown)
    expect(() => router.dbForRead(key)).toThrow(unknown)
    expect(() => router.allowMigrateModel('users', key)).toThrow(unknown)
    if (given === null || given === 5) expect(() => router.aliasesFor(key)).toThrow(unknown)
    if (given !== undefined) expect(() => router.explain('SELECT 1', { model: key })).toThrow(unknown)
  })

  it('a class is not taken for a model that was defined under its name alone, and the message says how it is', () => {
    const { router } = routerOf({ User: { bind: 'users' } })
    const says =
      /^Unknown model class User, as "User" was defined without it; .*router\.defineModel\(User, …\)/
    expect(() => router.model(User)).toThrow(says)
    expect(() => router.aliasesFor(new User())).toThrow(says)
    expect(() => {
      router.defineModel('Admin', { extends: User })
    }).toThrow(/Model Admin extends another: Unknown model class User, as/)
    expect(router.model('User').model.bind).toBe('users')
  })

  it('extends in a circle are refused by name, in the options', () => {
    const cyclic = { A: { extends: 'B' }, B: { extends: 'C' }, C: { extends: 'A' } }
    expect(refusal(() => routerOf(cyclic)).message).toMatch(/models\.A\.extends: .*A → B → C → A/)
    expect(refusal(() => routerOf({ A: { extends: 'A' } })).message).toMatch(/A → A/)
    expect(refusal(() => routerOf({ A: { extends: 'Z' } })).message).toMatch(/Unknown model "Z"/)
  })
})

describe('a model’s pool', () => {
  it('sends what is about the model to where it lives, whatever the text says', async () => {
    const { router } = routerOf({ User: { table: 't_user', bind: 'users' }, Article: {} })
    const users = router.model('User').pool() as FakePool
    expect(await users.query('SELECT 1')).toMatch(/^users:replica/)
    expect(await users.query('SELECT * FROM article')).toMatch(/^users:replica/)
    const client = users.connect()
    expect(await client.query('DELETE FROM t_user')).toBe('users:primary')
    client.release()
  })

  it('is refused where the model lives on another driver', async () => {
    const nodes = new Map<string, FakeNode>()
    const router = createRouter({
      databases: { default: fakeDatabase(nodes), logs: fakeDatabase(nodes, { dialect: 'mysql' }) },
      models: { Article: {} },
      routers: [{ dbForRead: () => 'logs' }],
    })
    await expect(router.model('Article').pool().query('SELECT 1')).rejects.toMatchObject({
      code: 'ERR_DIALECT_MISMATCH',
    })
  })

  it('decides for the whole statement, also over tables of another database', () => {
    const { router, aliasOf } = routerOf({
      User: { table: 't_user', bind: 'users' },
      Article: { table: 'article', bind: 'other' },
    })
    expect(aliasOf('SELECT * FROM article', 'User')).toBe('users')
    expect(aliasOf('SELECT * FROM article JOIN t_user ON true', 'User')).toBe('users')
    expect(router.model('Article').run(() => aliasOf('UPDATE t_user SET a = 1'))).toBe('other')
    expect(() => aliasOf('SELECT * FROM article JOIN t_user ON true')).toThrow('cannot span databases')
  })

  it('a transaction about it over another driver says how to ask for its client', async () => {
    const nodes = new Map<string, FakeNode>()
    const router = createRouter({
      databases: { default: fakeDatabase(nodes), logs: fakeDatabase(nodes, { dialect: 'mysql' }) },
      models: { Audit: { bind: 'logs' } },
    })
    await router.model('Audit').run(async () => {
      const begun = router.transaction(() => 1)
      await expect(begun).rejects.toMatchObject({
        code: 'ERR_DIALECT_MISMATCH',
        message: expect.stringContaining(`router.transaction(fn, { alias: 'logs' })`) as string,
      })
      expect(await router.transaction(() => 1, { alias: 'logs' })).toBe(1)
    })
  })

  it('run() makes every statement inside about the model, and nothing after it', async () => {
    const { router, query } = routerOf({ User: { bind: 'users' } })
    await router.model('User').run(async () => {
      expect(await query('SELECT 1')).toMatch(/^users:/)
      await router.using('other', async () => {
        expect(await query('SELECT 1')).toMatch(/^other:/)
      })
    })
    expect(await query('SELECT 1')).toMatch(/^default:/)
  })
})
