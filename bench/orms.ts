import Table from 'cli-table3'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { int, mysqlTable, varchar, withReplicas as withMysqlReplicas } from 'drizzle-orm/mysql-core'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, withReplicas as withPgReplicas } from 'drizzle-orm/pg-core'
import { eq } from 'drizzle-orm'
import knex, { type Knex } from 'knex'
import { Kysely, MysqlDialect, PostgresDialect, type Dialect as KyselyDialect } from 'kysely'
import { KyselyReplicationDialect } from 'kysely-replication'
import { RandomReplicaStrategy } from 'kysely-replication/strategy/random'
import mysql2, { type Pool as MysqlPool } from 'mysql2'
import { Pool } from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { median, quantile } from 'simple-statistics'
import { DataSource, EntitySchema } from 'typeorm'
import { createRouter, type Router } from '../dist'
import { knexClient } from '../dist/adapters/knex'
import { driverModule as mysqlModule, mysql } from '../dist/adapters/mysql2'
import { driverModule as pgModule, postgres } from '../dist/adapters/pg'
import { runSql, startServers } from '../test/servers'
import type { StartedCluster } from '../test/servers'
import { STATEMENTS_PER_REQUEST, run } from './throughput'

const ROWS = 1000
const POOL_SIZE = 16
const ROUNDS = 9
const ROUND_MS = 400

const DIALECTS = ['postgres', 'mysql'] as const
type Dialect = (typeof DIALECTS)[number]

/** An ORM that reads a row of `bench` by its key. */
interface Reader {
  read(id: number): Promise<unknown>
  close(): Promise<unknown>
}

interface Bench {
  readonly dialect: Dialect
  readonly cluster: StartedCluster
  readonly router: Router
}

type Make = (bench: Bench) => Reader | Promise<Reader>

/** The ORM over splitpool, with its own support of replicas, and over a bare pool of one replica. */
interface Orm {
  readonly name: string
  readonly routed: Make
  /** What its own support is called; not there where it has none. */
  readonly own?: Make
  readonly bare: Make
}

/** (c) Reads by primary key with replicas, through ORMs. */
export async function benchOrms(): Promise<void> {
  const table = new Table({
    head: ['ORM', 'dialect', 'in flight', 'bare pool', 'own replicas', 'splitpool', '/ own', '/ bare'],
  })
  for (const dialect of DIALECTS) {
    const cluster = await startServers(dialect)
    try {
      await createTable(dialect, cluster)
      for (const orm of ORMS) {
        for (const inFlight of [1, 32]) table.push(await row(orm, dialect, cluster, inFlight))
      }
    } finally {
      await cluster.stop()
    }
  }
  console.log(
    `\nreads by primary key in statements: medians (ratios with quartiles) of ${ROUNDS} rounds of ${ROUND_MS} ms, by turns`,
  )
  console.log(table.toString())
}

async function createTable(dialect: Dialect, cluster: StartedCluster): Promise<void> {
  const { url } = cluster.primary
  await runSql(url, 'CREATE TABLE bench (id int PRIMARY KEY, body varchar(40))')
  const rows = Array.from({ length: ROWS }, (_, index) => `(${index + 1}, 'body ${index}')`)
  await runSql(url, `INSERT INTO bench VALUES ${rows.join(', ')}`)
  await runSql(cluster.primary.adminUrl, dialect === 'postgres' ? 'ANALYZE bench' : 'ANALYZE TABLE app.bench')
  await cluster.caughtUp()
}

async function row(
  { name, routed, own, bare }: Orm,
  dialect: Dialect,
  cluster: StartedCluster,
  inFlight: number,
): Promise<string[]> {
  const router = createRouter({ databases: { default: database(dialect, cluster) } }) as Router
  const bench = { dialect, cluster, router }
  const makes = [routed, bare, ...(own === undefined ? [] : [own])]
  const readers: Reader[] = []
  try {
    for (const make of makes) readers.push(await make(bench))
    const rates: number[][] = readers.map(() => [])
    const measure = async (index: number): Promise<number> => {
      const reader = readers[index]!
      const three = async (id: number): Promise<void> => {
        for (let time = 0; time < STATEMENTS_PER_REQUEST; time++) await reader.read(id)
      }
      const request = index === 0 ? (id: number) => router.scope(() => three(id)) : three
      return (await run({ name, request, close: () => Promise.resolve() }, inFlight, ROUND_MS)).rate
    }
    for (const index of readers.keys()) await measure(index)
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < readers.length; turn++) {
        const index = (round + turn) % readers.length
        rates[index]!.push(await measure(index))
      }
    }
    const ratio = (rival: number): string => {
      if (rates[rival] === undefined) return '–'
      const ratios = rates[0]!.map((rate, round) => rate / rates[rival]![round]!)
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(2))
      return `${middle} (${low}–${high})`
    }
    const rate = (index: number): string =>
      rates[index] === undefined ? '–' : `${median(rates[index]).toFixed(0)}/s`
    return [name, dialect, String(inFlight), rate(1), rate(2), rate(0), ratio(2), ratio(1)]
  } finally {
    for (const reader of readers) await reader.close()
    await router.close()
  }
}

function database(dialect: Dialect, cluster: StartedCluster): ReturnType<typeof postgres | typeof mysql> {
  const [primary, ...replicas] = [cluster.primary, ...cluster.replicas].map(({ url }) => url)
  return dialect === 'postgres'
    ? postgres({
        primary: { url: primary!, max: POOL_SIZE },
        replicas: replicas.map((url) => ({ url, max: POOL_SIZE })),
      })
    : mysql({
        primary: { url: primary!, connectionLimit: POOL_SIZE },
        replicas: replicas.map((url) => ({ url, connectionLimit: POOL_SIZE })),
      })
}

/** The pools of the nodes, the primary first, without splitpool. */
function urls({ primary, replicas }: StartedCluster): [string, ...string[]] {
  return [primary.url, ...replicas.map(({ url }) => url)]
}

/** A bare pool reads from one replica: the primary's data may lie warmer. */
const bareUrl = ({ replicas }: StartedCluster): string => replicas[0]!.url

const pgPool = (connectionString: string): Pool => new Pool({ connectionString, max: POOL_SIZE })
const mysqlPool = (uri: string): MysqlPool => mysql2.createPool({ uri, connectionLimit: POOL_SIZE })

// ---------------------------------------------------------------- Knex

const KNEX_POOL = { min: 0, max: POOL_SIZE }

function readWithKnex(db: Knex): Reader {
  return { read: (id) => db('bench').where({ id }).first(), close: () => db.destroy() }
}

const knexOrm: Orm = {
  name: 'Knex',
  routed: ({ router }) => readWithKnex(knex({ client: knexClient(router), pool: KNEX_POOL })),
  bare: ({ dialect, cluster }) => {
    const client = dialect === 'postgres' ? 'pg' : 'mysql2'
    return readWithKnex(knex({ client, connection: bareUrl(cluster), pool: KNEX_POOL }))
  },
}

// ---------------------------------------------------------------- Kysely

function kyselyDialect(dialect: Dialect, pool: unknown): KyselyDialect {
  return dialect === 'postgres'
    ? new PostgresDialect({ pool: pool as Pool })
    : new MysqlDialect({ pool: pool as MysqlPool })
}

function bareKysely(dialect: Dialect, url: string): KyselyDialect {
  return kyselyDialect(dialect, dialect === 'postgres' ? pgPool(url) : mysqlPool(url))
}

function readWithKysely(dialect: KyselyDialect): Reader {
  const db = new Kysely<{ bench: { id: number; body: string } }>({ dialect })
  return {
    read: (id) => db.selectFrom('bench').selectAll().where('id', '=', id).executeTakeFirst(),
    close: () => db.destroy(),
  }
}

const kyselyOrm: Orm = {
  name: 'Kysely',
  routed: ({ dialect, router }) => readWithKysely(kyselyDialect(dialect, router.pool('default'))),
  own: ({ dialect, cluster }) => {
    const [primary, ...replicas] = urls(cluster).map((url) => bareKysely(dialect, url))
    return readWithKysely(
      new KyselyReplicationDialect({
        primaryDialect: primary!,
        replicaDialects: [replicas[0]!, ...replicas.slice(1)],
        replicaStrategy: new RandomReplicaStrategy({ onTransaction: 'error' }),
      }),
    )
  },
  bare: ({ dialect, cluster }) => readWithKysely(bareKysely(dialect, bareUrl(cluster))),
}

// ---------------------------------------------------------------- Drizzle

const pgBench = pgTable('bench', { id: integer().primaryKey(), body: text() })
const mysqlBench = mysqlTable('bench', { id: int().primaryKey(), body: varchar({ length: 40 }) })

function readWithDrizzle(dialect: Dialect, pools: readonly unknown[]): Reader {
  const close = (): Promise<unknown> =>
    Promise.all(
      pools.map((pool) =>
        dialect === 'postgres' ? (pool as Pool).end() : (pool as MysqlPool).promise().end(),
      ),
    )
  if (dialect === 'postgres') {
    const [first, ...others] = pools.map((pool) => drizzlePg({ client: pool as Pool }))
    const db = others.length === 0 ? first! : withPgReplicas(first!, [others[0]!, ...others.slice(1)])
    return { read: (id) => db.select().from(pgBench).where(eq(pgBench.id, id)), close }
  }
  const [first, ...others] = pools.map((pool) => drizzleMysql({ client: pool as MysqlPool }))
  const db = others.length === 0 ? first! : withMysqlReplicas(first!, [others[0]!, ...others.slice(1)])
  return { read: (id) => db.select().from(mysqlBench).where(eq(mysqlBench.id, id)), close }
}

const drizzleOrm: Orm = {
  name: 'Drizzle',
  routed: ({ dialect, router }) => readWithDrizzle(dialect, [router.pool('default')]),
  own: ({ dialect, cluster }) =>
    readWithDrizzle(
      dialect,
      urls(cluster).map((url) => (dialect === 'postgres' ? pgPool(url) : mysqlPool(url))),
    ),
  bare: ({ dialect, cluster }) => {
    const url = bareUrl(cluster)
    return readWithDrizzle(dialect, [dialect === 'postgres' ? pgPool(url) : mysqlPool(url)])
  },
}

// ---------------------------------------------------------------- TypeORM

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- as TypeORM's own manual does it
const Row = new EntitySchema<{ id: number; body: string }>({
  name: 'bench',
  columns: { id: { type: Number, primary: true }, body: { type: String } },
})

async function readWithTypeOrm(dialect: Dialect, options: object): Promise<Reader> {
  const source = new DataSource({ type: dialect, entities: [Row], poolSize: POOL_SIZE, ...options })
  await source.initialize()
  const rows = source.getRepository(Row)
  return { read: (id) => rows.findOneBy({ id }), close: () => source.destroy() }
}

const typeOrm: Orm = {
  name: 'TypeORM',
  routed: ({ dialect, router }) => readWithTypeOrm(dialect, { driver: driverOf(dialect, router) }),
  own: ({ dialect, cluster }) => {
    const [master, ...slaves] = urls(cluster).map((url) => ({ url, ...parts(url) }))
    return readWithTypeOrm(dialect, { replication: { master, slaves } })
  },
  bare: ({ dialect, cluster }) => readWithTypeOrm(dialect, parts(bareUrl(cluster))),
}

function driverOf(dialect: Dialect, router: Router): object {
  return dialect === 'postgres' ? pgModule(router) : mysqlModule(router)
}

function parts(url: string): {
  host: string
  port: number
  username: string
  password: string
  database: string
} {
  const { hostname, port, username, password, pathname } = new URL(url)
  return { host: hostname, port: Number(port), username, password, database: pathname.slice(1) }
}

// ---------------------------------------------------------------- Sequelize

function readWithSequelize(dialect: Dialect, options: object): Reader {
  const sequelize = new Sequelize({ dialect, logging: false, pool: { max: POOL_SIZE }, ...options })
  const row = sequelize.define(
    'bench',
    { id: { type: DataTypes.INTEGER, primaryKey: true }, body: DataTypes.STRING },
    { tableName: 'bench', timestamps: false },
  )
  return { read: (id) => row.findByPk(id), close: () => sequelize.close() }
}

const sequelizeOrm: Orm = {
  name: 'Sequelize',
  routed: ({ dialect, router }) => readWithSequelize(dialect, { dialectModule: driverOf(dialect, router) }),
  own: ({ dialect, cluster }) => {
    const [write, ...read] = urls(cluster).map(parts)
    return readWithSequelize(dialect, { replication: { write, read } })
  },
  bare: ({ dialect, cluster }) => readWithSequelize(dialect, parts(bareUrl(cluster))),
}

const ORMS: readonly Orm[] = [knexOrm, kyselyOrm, drizzleOrm, typeOrm, sequelizeOrm]
