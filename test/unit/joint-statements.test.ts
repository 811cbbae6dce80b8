import { describe, expect, it } from 'vitest'
import { createRouter, type Router, type RouterOptions } from '../../src'
import { fakeDatabase, type FakeNode, type FakeOptions, type FakePool } from '../../src/testing/fake-database'

const JOINS = ['SELECT * FROM bk JOIN prs ON true', 'SELECT * FROM prs, bk'] as const
const TWO_OF_ONE = ['SELECT * FROM bk, plain', 'SELECT * FROM plain, bk'] as const

/** `default` and `users` on the same servers, with a table each. */
function made(
  options: Partial<RouterOptions> = {},
  users: FakeOptions = {},
): { router: Router; query: (sql: string) => Promise<unknown> } {
  const nodes = new Map<string, FakeNode>()
  const tagged = { schema: 'app', replicas: [{}, { tags: ['reports'] }] }
  const router = createRouter({
    databases: { default: fakeDatabase(nodes, tagged), users: fakeDatabase(nodes, { ...tagged, ...users }) },
    models: { Book: { table: 'bk' }, Person: { table: 'prs', bind: 'users' }, Plain: {} },
    ...options,
  })
  return { router, query: (sql) => (router.pool('default') as FakePool).query(sql) }
}

describe.each(JOINS)('%s, over two aliases on the same servers', (sql) => {
  it('goes to a replica', async () => {
    expect(await made().query(sql)).toMatch(/:replica/)
  })

  it.each(['DELETE FROM bk', 'DELETE FROM prs'])('reads from the primary after %s', async (write) => {
    const { router, query } = made()
    await router.scope(async () => {
      await query(write)
      expect(router.explain(sql)).toMatchObject({ role: 'primary', rule: 'own-writes' })
    })
  })

  it.each(['default', 'users'])(
    'reads from the primary while a client has a transaction open on %s',
    async (alias) => {
      const { router } = made()
      await router.scope(async () => {
        const client = (router.pool(alias) as FakePool).connect()
        await client.query('BEGIN')
        expect(router.explain(sql)).toMatchObject({ role: 'primary', rule: 'open-transaction' })
        await client.query(sql)
        client.release()
      })
    },
  )

  it.each(['default', 'users'])('joins a transaction of either: %s', async (alias) => {
    const { router, query } = made()
    const there = await router.transaction(async () => [await query(sql), router.explain(sql)], {
      alias,
    } as object)
    expect(there).toEqual([
      `${alias}:primary`,
      expect.objectContaining({ rule: 'transaction', nodeId: `${alias}:primary` }),
    ])
  })

  it('reads where the stricter of the two databases says', () => {
    const { router } = made({}, { reads: 'primary' })
    expect(router.explain(sql)).toMatchObject({ role: 'primary', rule: 'read-preference' })
  })

  it('obeys a router that names the primary for one of them', () => {
    for (const table of ['bk', 'prs']) {
      const dbForRead = (model: { table: string; bind: string | null }): string | null =>
        model.table === table ? `${model.bind ?? 'default'}:primary` : null
      const { router } = made({ routers: [{ dbForRead }] })
      expect(router.explain(sql)).toMatchObject({ role: 'primary', rule: 'router-chain' })
    }
  })
})

it('a write over both counts as one to each', async () => {
  const { router, query } = made()
  await router.scope(async () => {
    await query('UPDATE bk SET a = 1 FROM prs')
    for (const table of ['bk', 'prs']) {
      expect(router.explain(`SELECT * FROM ${table}`)).toMatchObject({ rule: 'own-writes' })
    }
  })
})

describe.each(TWO_OF_ONE)('%s, over two models of one database', (sql) => {
  it('reads where the stricter of the two says, whatever their order', () => {
    const { router } = made({
      models: { Book: { table: 'bk', reads: 'primary' }, Plain: { reads: 'replica' } },
    })
    expect(router.explain(sql)).toMatchObject({ role: 'primary', rule: 'read-preference' })
  })

  it('reads from the group that one of them names', () => {
    const { router } = made({ models: { Book: { table: 'bk', readFrom: ['reports'] }, Plain: {} } })
    for (let turn = 0; turn < 5; turn++) {
      expect(router.scope(() => router.explain(sql)).nodeId).toBe('default:replica-2')
    }
  })

  it('is chosen for by the balancer that one of them names', () => {
    const last = { pick: <C>(candidates: readonly C[]): C => candidates.at(-1) as C }
    const { router } = made({ models: { Book: { table: 'bk', balancer: last }, Plain: {} } })
    for (let turn = 0; turn < 5; turn++) {
      expect(router.scope(() => router.explain(sql)).nodeId).toBe('default:replica-2')
    }
  })
})

it('a table of no model leaves the wish to the model of another', () => {
  const routers = [{ dbForRead: ({ name }: { name: string | null }) => (name === null ? 'default' : null) }]
  const { router } = made({ routers, models: { Book: { table: 'bk', reads: 'primary' } } })
  expect(router.explain('SELECT * FROM loose, bk')).toMatchObject({ rule: 'read-preference' })
})

describe('a transaction where nothing may be written', () => {
  it('is declared read only to the server, on a replica', async () => {
    const nodes = new Map<string, FakeNode>()
    const router = createRouter({ databases: { default: fakeDatabase(nodes) } })
    await router.with({ readOnly: true }, () => router.transaction(() => router.pool().query('SELECT f()')))
    const sent = [...nodes.values()].flatMap(({ statements }) => statements)
    expect(sent).toEqual(['BEGIN READ ONLY', 'SELECT f()', 'COMMIT'])
    expect(nodes.get('default:primary')?.statements).toEqual([])
  })
})
