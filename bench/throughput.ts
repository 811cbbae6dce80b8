import Table from 'cli-table3'
import mysql2 from 'mysql2'
import { Pool } from 'pg'
import { median, quantile } from 'simple-statistics'
import { createRouter, type Router } from '../dist'
import { mysql } from '../dist/adapters/mysql2'
import { postgres } from '../dist/adapters/pg'
import { startMysql, startPostgres } from '../test/servers'
import type { StartedCluster } from '../test/servers'
import { microseconds } from './units'

const ROWS = 1000
const POOL_SIZE = 16
const ROUNDS = 9
const ROUND_MS = 1000

/** One way of serving a request: it reads by key, three times on one replica. */
interface Contestant {
  readonly name: string
  readonly request: (id: number) => Promise<unknown>
  close(): Promise<void>
}

/** (b) The routed pool against three bare pools that are split by hand, doing the same work. */
export async function benchThroughput(): Promise<void> {
  const table = new Table({
    head: [
      'driver',
      'in flight',
      'by hand',
      'routed',
      'throughput, routed / by hand',
      'median latency per statement, added',
    ],
  })
  for (const driver of [pgContest, mysqlContest]) {
    const { name, cluster, contestants } = await driver()
    try {
      for (const inFlight of [1, 32]) {
        const [byHand, routed] = await compete(contestants, inFlight)
        const ratios = routed.rates.map((rate, round) => rate / byHand.rates[round]!)
        const added = routed.latencies.map((latency, round) => latency - byHand.latencies[round]!)
        table.push([
          name,
          inFlight,
          `${median(byHand.rates).toFixed(0)}/s`,
          `${median(routed.rates).toFixed(0)}/s`,
          `${median(ratios).toFixed(3)} (${quantile(ratios, 0.25).toFixed(3)}–${quantile(ratios, 0.75).toFixed(3)})`,
          `${microseconds(median(added))} (${microseconds(quantile(added, 0.25))} – ${microseconds(quantile(added, 0.75))})`,
        ])
      }
    } finally {
      for (const contestant of contestants) await contestant.close()
      await cluster.stop()
    }
  }
  console.log(
    `\nthroughput in statements: median (and quartiles) of ${ROUNDS} rounds of ${ROUND_MS} ms, by turns`,
  )
  console.log(table.toString())
}

interface Score {
  /** Statements a second, by round. */
  readonly rates: number[]
  /** Median µs of a statement, by round. */
  readonly latencies: number[]
}

/** Lets the contestants run by turns, and the first by turns too, so that what else the machine does hits both. */
async function compete(
  contestants: readonly [Contestant, Contestant],
  inFlight: number,
): Promise<[Score, Score]> {
  const scores: [Score, Score] = [
    { rates: [], latencies: [] },
    { rates: [], latencies: [] },
  ]
  for (const contestant of contestants) await run(contestant, inFlight, ROUND_MS)
  for (let round = 0; round < ROUNDS; round++) {
    for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const { rate, latency } = await run(contestants[index], inFlight, ROUND_MS)
      scores[index].rates.push(rate)
      scores[index].latencies.push(latency)
    }
  }
  return scores
}

export const STATEMENTS_PER_REQUEST = 3

/** Lets as many workers as are in flight do requests for a while. */
export async function run(
  { request }: Contestant,
  inFlight: number,
  forMs: number,
): Promise<{ rate: number; latency: number }> {
  const latencies: number[] = []
  const startedAt = performance.now()
  const until = startedAt + forMs
  const worker = async (id: number): Promise<void> => {
    for (let at = performance.now(); at < until;) {
      await request((id++ % ROWS) + 1)
      const now = performance.now()
      latencies.push(now - at)
      at = now
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, index) => worker(index * 31)))
  const seconds = (performance.now() - startedAt) / 1000
  return {
    rate: (latencies.length * STATEMENTS_PER_REQUEST) / seconds,
    latency: (median(latencies) * 1000) / STATEMENTS_PER_REQUEST,
  }
}

interface Contest {
  readonly name: string
  readonly cluster: StartedCluster
  readonly contestants: readonly [Contestant, Contestant]
}

async function pgContest(): Promise<Contest> {
  const cluster = await startPostgres()
  const pool = (connectionString: string): Pool => new Pool({ connectionString, max: POOL_SIZE })
  const sql = 'SELECT id, body FROM bench WHERE id = $1'
  const primary = pool(cluster.primary.url)
  await primary.query(
    `CREATE TABLE bench AS SELECT id, md5(id::text) AS body FROM generate_series(1, ${ROWS}) id`,
  )
  await primary.query('ALTER TABLE bench ADD PRIMARY KEY (id)')
  await cluster.caughtUp()

  const replicas = cluster.replicas.map(({ url }) => pool(url))
  const node = (url: string): object => ({ url, max: POOL_SIZE })
  const router = createRouter({
    databases: {
      default: postgres({
        primary: node(cluster.primary.url),
        replicas: cluster.replicas.map(({ url }) => node(url)),
      }),
    },
  })
  const db = router.pool()
  const byHand: Contestant = {
    name: 'by hand',
    request: async (id) => {
      const replica = replicas[Math.floor(Math.random() * replicas.length)]!
      for (let time = 0; time < STATEMENTS_PER_REQUEST; time++) await replica.query(sql, [id])
    },
    close: async () => {
      await Promise.all([primary, ...replicas].map((each) => each.end()))
    },
  }
  return { name: 'pg', cluster, contestants: [byHand, routed(router, (id) => db.query(sql, [id]))] }
}

async function mysqlContest(): Promise<Contest> {
  const cluster = await startMysql()
  const sql = 'SELECT id, body FROM bench WHERE id = ?'
  const pool = (uri: string) => mysql2.createPool({ uri, connectionLimit: POOL_SIZE }).promise()
  const primary = pool(cluster.primary.url)
  await primary.query('CREATE TABLE bench (id int PRIMARY KEY, body varchar(40))')
  const ids = Array.from({ length: ROWS }, (_, index) => [index + 1, `body ${index}`])
  await primary.query('INSERT INTO bench VALUES ?', [ids])
  await cluster.caughtUp()

  const replicas = cluster.replicas.map(({ url }) => pool(url))
  const node = (url: string): object => ({ url, connectionLimit: POOL_SIZE })
  const router = createRouter({
    databases: {
      default: mysql({
        primary: node(cluster.primary.url),
        replicas: cluster.replicas.map(({ url }) => node(url)),
      }),
    },
  })
  const db = router.pool().promise()
  const byHand: Contestant = {
    name: 'by hand',
    request: async (id) => {
      const replica = replicas[Math.floor(Math.random() * replicas.length)]!
      for (let time = 0; time < STATEMENTS_PER_REQUEST; time++) await replica.query(sql, [id])
    },
    close: async () => {
      await Promise.all([primary, ...replicas].map((each) => each.end()))
    },
  }
  return { name: 'mysql2', cluster, contestants: [byHand, routed(router, (id) => db.query(sql, [id]))] }
}

function routed(router: Pick<Router, 'scope' | 'close'>, read: (id: number) => Promise<unknown>): Contestant {
  return {
    name: 'routed',
    request: (id) =>
      router.scope(async () => {
        for (let time = 0; time < STATEMENTS_PER_REQUEST; time++) await read(id)
      }),
    close: () => router.close(),
  }
}
