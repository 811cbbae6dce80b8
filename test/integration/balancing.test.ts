import type { Pool as MysqlPool, RowDataPacket } from 'mysql2'
import type { Pool as PgPool } from 'pg'
import { describe, expect, it } from 'vitest'
import { affinity, createRouter, type Router, type RouterOptions } from '../../src'
import { mysql } from '../../src/adapters/mysql2'
import { postgres } from '../../src/adapters/pg'
import type { ClusterInfo } from '../servers'
import { describeDialect } from '../servers/provided'

/** How a server is asked who it is, and the database it belongs to is made. */
interface Side {
  readonly database: (options: object) => ReturnType<typeof postgres> | ReturnType<typeof mysql>
  readonly who: (router: Router, target?: string) => Promise<string>
}

const PG: Side = {
  database: (options) => postgres(options as Parameters<typeof postgres>[0]),
  who: async (router, target = 'default') => {
    const { rows } = await (router.pool(target) as PgPool).query<{ node: string }>(
      `SELECT current_setting('cluster_name') AS node`,
    )
    return rows[0]!.node
  },
}

const MYSQL: Side = {
  database: (options) => mysql(options as Parameters<typeof mysql>[0]),
  who: async (router, target = 'default') => {
    const pool = (router.pool(target) as MysqlPool).promise()
    const [rows] = await pool.query<RowDataPacket[]>('SELECT @@server_id AS node')
    return String(rows[0]!['node'])
  },
}

describe('balancing and adoption', () => {
  describeDialect('postgres', (cluster) => {
    behaves(cluster, PG)
  })
  describeDialect('mysql', (cluster) => {
    behaves(cluster, MYSQL)
  })
})

function behaves(cluster: ClusterInfo, { database, who }: Side): void {
  /** Servers that were given from outside may have one replica, which then stands for both. */
  const [first, second = first] = cluster.replicas.map(({ url }) => url)
  const primary = cluster.primary.url

  /** Runs `use` with a router over these nodes, and the names of its servers. */
  async function withRouter(
    nodes: object,
    options: Partial<RouterOptions>,
    use: (router: Router, server: (target: string) => string) => Promise<void>,
  ): Promise<void> {
    const router = createRouter({ databases: { default: database(nodes) }, ...options })
    const plain = createRouter({
      databases: { default: database({ primary, replicas: [first, second] }) },
    }) as unknown as Router
    try {
      const names = new Map<string, string>()
      for (const node of ['primary', 'replica-1', 'replica-2'])
        names.set(node, await who(plain, `default:${node}`))
      expect(new Set(names.values()).size).toBe(cluster.replicas.length + 1)
      await use(router, (node) => names.get(node)!)
    } finally {
      await Promise.all([router.close(), plain.close()])
    }
  }

  async function places(router: Router, scopes: number): Promise<string[]> {
    const seen = new Set<string>()
    for (let scope = 0; scope < scopes; scope++) seen.add(await router.scope(() => who(router)))
    return [...seen].sort()
  }

  it('reads from the group that is asked for', async () => {
    const replicas = [
      { url: first, tags: ['eu'] },
      { url: second, tags: ['reports'] },
    ]
    await withRouter({ primary, replicas }, { readFrom: ['eu'] }, async (router, server) => {
      expect(await places(router, 10)).toEqual([server('replica-1')])
      await router.scope(async () => {
        expect(await router.with({ readFrom: ['reports', '*'] }, () => who(router))).toBe(server('replica-2'))
        expect(await who(router)).toBe(server('replica-1'))
      })
    })
  })

  it('reads from a primary with a weight, and never from a backup', async () => {
    const replicas = [first, { url: second, reads: false }]
    await withRouter(
      { primary: { url: primary, weight: 1 }, replicas },
      { balancer: 'roundRobin' },
      async (router, server) => {
        expect(await places(router, 10)).toEqual([server('primary'), server('replica-1')].sort())
        expect(await who(router, 'default:replica-2')).toBe(server('replica-2'))
      },
    )
  })

  it('reads for a user from one replica in every scope', async () => {
    const balancer = affinity((scope) => scope['userId'])
    await withRouter({ primary, replicas: [first, second] }, { balancer }, async (router) => {
      const of = (userId: number): Promise<string> =>
        router.scope(() => who(router), { attributes: { userId } })
      const places = await Promise.all(Array.from({ length: 20 }, (_, user) => of(user)))
      expect(await Promise.all(Array.from({ length: 20 }, (_, user) => of(user)))).toEqual(places)
      expect(new Set(places).size).toBe(cluster.replicas.length)
    })
  })

  it('in shadow mode sends everything to the primary, also read-only transactions', async () => {
    await withRouter({ primary, replicas: [first, second] }, { mode: 'shadow' }, async (router, server) => {
      expect(await places(router, 10)).toEqual([server('primary')])
      expect(await who(router, 'default:replica-1')).toBe(server('primary'))
      await router.transaction(
        async () => {
          expect(await who(router)).toBe(server('primary'))
        },
        { readOnly: true },
      )
      expect(router.shadow().count).toBeGreaterThanOrEqual(12)
    })
  })

  it('keeps scopes outside the rollout on the primary', async () => {
    await withRouter({ primary, replicas: [first, second] }, { rollout: 0 }, async (router, server) => {
      expect(await places(router, 10)).toEqual([server('primary')])
      expect(await who(router, 'default:replica-1')).toBe(server('replica-1'))
    })
  })
}
