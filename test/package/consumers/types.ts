import type { Pool as MysqlPool } from 'mysql2'
import type { Pool, PoolClient } from 'pg'
import { classify, createRouter, type Classification, type Decision } from 'splitpool'
import { mysql } from 'splitpool/mysql2'
import { postgres } from 'splitpool/pg'

const router = createRouter({
  databases: {
    default: postgres({
      primary: 'postgres://app@db1/app',
      replicas: [
        'postgres://app@db2/app',
        { url: 'postgres://app@db3/app', weight: 2, tags: ['eu'], max: 20 },
      ],
      reads: 'prefer-replica',
    }),
    users: mysql({ primary: { host: 'db4', connectionLimit: 5 }, replicas: ['mysql://app@db5/users'] }),
  },
  models: { User: { table: 't_user', bind: 'users' } },
  routers: [{ dbForRead: (model) => (model.name === 'User' ? 'users' : null) }],
  balancer: 'leastInFlight',
  functions: { write: ['touch'] },
})

export const pool: Pool = router.pool()
export const named: Pool = router.pool('default:replica-1')
export const users: MysqlPool = router.pool('users')
export const verdict: Classification = classify('SELECT 1', 'mariadb')
export const decision: Decision = router.explain('SELECT 1', { alias: 'users', model: 'User' })

export const five: Promise<number> = router.transaction(
  async (tx) => {
    const client: PoolClient = tx
    await client.query('SELECT 1')
    return 5
  },
  { readOnly: true, isolationLevel: 'repeatable read' },
)
export const text: string = router.scope(() => 'a')
export const nested: Promise<number> = router.using('users:primary', async () => Promise.resolve(1))

// @ts-expect-error: no such database
router.pool('nowhere')
// @ts-expect-error: no such dialect
classify('SELECT 1', 'oracle')
// @ts-expect-error: no such option
createRouter({ databases: {}, balancers: 'random' })
