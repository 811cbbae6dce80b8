import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { createRouter, SplitpoolError, type RouterOptions } from '.'
import { mysql } from './adapters/mysql2'
import { postgres } from './adapters/pg'
import { fakeDatabase } from './testing/fake-database'

const url = 'postgres://app:secret@127.0.0.1:1/app'
const good = (): RouterOptions => ({
  databases: { default: fakeDatabase(new Map()), users: fakeDatabase(new Map()) },
})

function message(options: unknown): string {
  try {
    createRouter(options as RouterOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(SplitpoolError)
    expect((error as SplitpoolError).code).toBe('ERR_INVALID_OPTION')
    return (error as Error).message
  }
  throw new Error('the options were taken')
}

describe('createRouter', () => {
  it.each<[string, unknown]>([
    ['options: expected an object, got undefined', undefined],
    ['databases: expected an object, got undefined', {}],
    ['databases: expected at least one database, got an empty object', { databases: {} }],
    ['databases.a:b: expected an alias of letters', { databases: { 'a:b': fakeDatabase(new Map()) } }],
    [
      'databases.default: expected what postgres() or mysql() returns, got "postgres',
      { databases: { default: url } },
    ],
    ['replica: unknown option; expected one of databases, models', { ...good(), replica: [] }],
    [
      `reads: expected one of 'primary', 'prefer-primary', 'prefer-replica', 'replica', got "any"`,
      { ...good(), reads: 'any' },
    ],
    [
      `balancer: expected one of 'random', 'roundRobin', 'leastInFlight', got "RR"`,
      { ...good(), balancer: 'RR' },
    ],
    ['balancer: expected one of', { ...good(), balancer: { choose: () => 1 } }],
    [`functions: expected 'strict' or an object, got "lax"`, { ...good(), functions: 'lax' }],
    [
      'functions.writes: unknown option; expected one of write, read, strict',
      { ...good(), functions: { writes: [] } },
    ],
    [
      'functions.write: expected an array of function names, got "f"',
      { ...good(), functions: { write: 'f' } },
    ],
    ['functions.strict: expected true or false, got 1', { ...good(), functions: { strict: 1 } }],
    ['random: expected a function', { ...good(), random: 4 }],
    [
      `models.User.bind: expected one of 'default', 'users', got "user"`,
      { ...good(), models: { User: { bind: 'user' } } },
    ],
    [
      'models.User.tabel: unknown option; expected one of table, bind, extends',
      { ...good(), models: { User: { tabel: 'x' } } },
    ],
    [
      'models.User.table: expected the name of a table, got ""',
      { ...good(), models: { User: { table: '' } } },
    ],
    ['models.User: expected an object, got "users"', { ...good(), models: { User: 'users' } }],
    ['models.User.reads: expected one of', { ...good(), models: { User: { reads: 'x' } } }],
    [
      `models.User.bind: expected 'users', since there is no database 'default', got undefined`,
      { databases: { users: fakeDatabase(new Map()) }, models: { User: {} } },
    ],
    [
      'models: expected an object with the options of each model by its name, got an object of type Map',
      { ...good(), models: new Map([['User', { bind: 'users' }]]) },
    ],
    ['models: expected a name for each model, got ""', { ...good(), models: { '': {} } }],
    [
      'routers[0]: expected an object or a class, got a promise',
      { ...good(), routers: [Promise.resolve({})] },
    ],
    ['routers[0]: expected an object or a class, got an empty array', { ...good(), routers: [[]] }],
    [
      'routers[0]: expected an object or a class, got function route',
      {
        ...good(),
        routers: [
          function* route() {
            yield 'users'
          },
        ],
      },
    ],
    [
      'routers[1].db_for_read: expected nothing of this name (did you mean dbForRead?), got function db_for_read',
      { ...good(), routers: [{}, { db_for_read: () => 'users' }] },
    ],
    [
      'routers[0].allow_migrate: expected nothing of this name (did you mean allowMigrate?)',
      { ...good(), routers: [{ dbForRead: () => 'users', allow_migrate: () => true }] },
    ],
    ['routers: expected an array of routers, got an object with a', { ...good(), routers: { a: 1 } }],
    ['routers[1]: expected an object or a class, got null', { ...good(), routers: [{}, null] }],
    ['routers[0]: expected an object or a class, got a function', { ...good(), routers: [() => 'users'] }],
  ])('refuses: %s', (expected, options) => {
    expect(message(options)).toContain(expected)
  })

  it.each<[string, unknown]>([
    ['databases.default.primary: expected a URL, options or a pool, got undefined', { replicas: [] }],
    [
      'databases.default.replica: unknown option; expected one of primary, replicas',
      { primary: url, replica: url },
    ],
    [
      'databases.default.replicas: expected an array of nodes, got "postgres',
      { primary: url, replicas: url },
    ],
    [
      'databases.default.primary: expected a URL that begins with postgres:// or postgresql://, got "mysql://',
      { primary: 'mysql://a' },
    ],
    ['databases.default.primary: expected a URL that begins with', { primary: 'not a url' }],
    ['databases.default.primary: expected a URL, options of the driver, or a pool, got 5', { primary: 5 }],
    [
      'databases.default.primary: expected a url, options of the driver, or a pool, got an empty object',
      { primary: {} },
    ],
    [
      'databases.default.replicas[0].url: expected a URL that begins',
      { primary: url, replicas: [{ url: 'http://x' }] },
    ],
    [
      'databases.default.replicas[0].weight: expected a number from 0.000001 to 1000000, got 0',
      { primary: url, replicas: [{ url, weight: 0 }] },
    ],
    [
      'databases.default.replicas[1].weight: expected a number from 0.000001 to 1000000, got "2"',
      { primary: url, replicas: [url, { url, weight: '2' }] },
    ],
    [
      `databases.default.replicas[0].tags: expected an array of strings, none of them empty or '*', got "eu"`,
      { primary: url, replicas: [{ url, tags: 'eu' }] },
    ],
    [
      'databases.default.replicas[0].id: expected a string, got 1',
      { primary: url, replicas: [{ url, id: 1 }] },
    ],
    [
      'databases.default.replicas[0].id: expected letters, digits, _ and -',
      { primary: url, replicas: [{ url, id: 'a:b' }] },
    ],
    [
      `databases.default.replicas[0].id: expected a name other than 'primary'`,
      { primary: url, replicas: [{ url, id: 'primary' }] },
    ],
    [
      'databases.default.replicas[1].id: expected an id that no other node',
      {
        primary: url,
        replicas: [
          { url, id: 'a' },
          { url, id: 'a' },
        ],
      },
    ],
    [
      'databases.default.replicas[0].pool: expected a pool of the driver',
      { primary: url, replicas: [{ pool: {} }] },
    ],
    [
      'databases.default.replicas[0]: expected either a pool or options',
      { primary: url, replicas: [{ pool: new Pool(), max: 5 }] },
    ],
    ['databases.default.reads: expected one of', { primary: url, reads: 'x' }],
  ])('refuses by path: %s', (expected, options) => {
    expect(message({ databases: { default: postgres(options as never) } })).toContain(expected)
  })

  it('puts no password into a message', () => {
    for (const options of [
      { primary: url, replicas: url },
      { primary: 'http://app:secret@h/x' },
      { primary: url, replicas: [{ url: 'not//app:secret@h' }] },
      { primary: [url] },
    ]) {
      expect(message({ databases: { default: postgres(options as never) } })).not.toContain('secret')
    }
  })

  it('opens nothing', () => {
    const router = createRouter({ databases: { default: postgres({ primary: url, replicas: [url] }) } })
    expect(router.pool().totalCount).toBe(0)
  })

  it('refuses one pool as primary and replica', () => {
    const pool = new Pool({ connectionString: url })
    const databases = { default: postgres({ primary: pool, replicas: [url, { pool, id: 'same' }] }) }
    expect(message({ databases })).toContain(
      'databases.default.replicas[1]: expected another pool than the primary’s',
    )
  })

  it('takes a pool of the application, weights and ids', () => {
    const pool = new Pool({ connectionString: url })
    const router = createRouter({
      databases: {
        default: postgres({ primary: url, replicas: [{ pool, id: 'far', weight: 3, tags: ['eu'] }] }),
      },
    })
    expect(router.explain('SELECT 1').nodeId).toBe('default:far')
  })

  it('takes a primary with a share of the reads, and a pool that takes none', () => {
    const pool = new Pool({ connectionString: url })
    const router = createRouter({
      databases: {
        default: postgres({ primary: { url, weight: 2 }, replicas: [{ pool, id: 'backup', reads: false }] }),
        users: mysql({ primary: 'mysql://h/d', replicas: [{ uri: 'mysql://h/d', reads: false }] }),
      },
    })
    expect(router.explain('SELECT 1')).toMatchObject({ nodeId: 'default:primary', rule: 'read' })
    expect(router.explain('SELECT 1', { alias: 'users' })).toMatchObject({ rule: 'no-replica' })
  })
})

describe('router.explain and router.pool', () => {
  it('refuse what they do not know, naming what there is', () => {
    const router = createRouter(good())
    expect(() => router.pool('nowhere')).toThrow('Unknown database alias "nowhere"; there is default, users')
    expect(() => router.pool('users:replica-7')).toThrow(
      'Unknown node "users:replica-7"; users has users:primary, users:replica-1, users:replica-2',
    )
    expect(() => router.explain('SELECT 1', { model: 'User' })).toThrow(
      'Unknown model "User"; none is declared',
    )
    expect(() => router.explain('SELECT 1', { modle: 'User' } as never)).toThrow(
      'options.modle: unknown option',
    )
  })
})

describe('a node', () => {
  const node = (given: unknown): unknown => ({
    databases: { default: postgres({ primary: given as string }) },
  })
  const mysqlNode = (given: unknown): unknown => ({
    databases: { default: mysql({ primary: given as string }) },
  })

  it.each<[string, unknown]>([
    [
      'databases.default.primary.connectionString: expected a URL that begins with postgres',
      node({ connectionString: 'mysql://x:sekret@h/db' }),
    ],
    [
      'databases.default.primary.connectionString: expected a URL',
      node({ connectionString: 'http:// :: x' }),
    ],
    ['databases.default.primary.uri: expected a URL', mysqlNode({ uri: 'mysql//app:sekret@h/db' })],
    [
      'databases.default.primary.uri: expected a URL in which',
      mysqlNode({ uri: 'mysql://app:se%kret@h/db' }),
    ],
    ['databases.default.primary: expected a URL in which', mysqlNode('mysql://app:se%kret@h/db')],
    ['databases.default.primary: expected a URL', node("host=db user=app password='top sekret' dbname=x")],
    ['databases.default.primary: expected a URL', node('host=db password = sekret')],
    ['databases.default.primary: expected a URL', node(`https:h?password = "top sekret"`)],
    ['databases.default.primary.wieght: expected the option to be called weight', node({ url, wieght: 2 })],
    ['databases.default.primary.Tags: expected the option to be called tags', node({ url, Tags: [] })],
    ['databases.default.primary.Reads: expected the option to be called reads', node({ url, Reads: false })],
    [
      'databases.default.primary.weight: expected a number from 0.000001 to 1000000, got -1',
      node({ url, weight: -1 }),
    ],
    [
      'databases.default.primary.weight: expected a number from 0.000001 to 1000000, got NaN',
      mysqlNode({ uri: 'mysql://h', weight: NaN }),
    ],
    ['databases.default.primary: expected', { databases: { default: postgres(undefined as never) } }],
    ['databases.default.primary: expected', { databases: { default: mysql('mysql://a:sekret@h' as never) } }],
    [
      'databases.default.replicas: expected an array of nodes, got null',
      { databases: { default: postgres({ primary: url, replicas: null as never }) } },
    ],
  ])('is refused as %s', (expected, options) => {
    const said = message(options)
    expect(said).toContain(expected)
    expect(said).not.toMatch(/kret/)
  })

  it.each(['/var/run/postgresql app', 'socket:/run?db=app', 'postgres://app@/db?host=/run'])(
    'is taken with the connectionString %s, which pg understands',
    async (connectionString) => {
      await createRouter(node({ connectionString }) as RouterOptions).close()
    },
  )
})
