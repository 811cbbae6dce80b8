/**
 * Loaded into the process of Knex's suites before them: each Knex that they make over PostgreSQL or mysql2 is given
 * splitpool's client in place of Knex's own, over the same server as primary and over its replicas. The ways:
 *
 *     ambient      all in no scope: after its first write a Knex reads from the primary
 *     scoped       each test and each hook in a scope of its own, begun when the replicas have caught up
 *     statements   each builder in a scope of its own, likewise: every read that is no transaction's is a replica's
 *     pool         Knex's own client, with `connectionPool: router.pool()`
 *     bare-pool    the same with a pool of the driver on the primary, and no splitpool: what `pool` is compared with
 */
'use strict'
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')

const { nodes, way, account } = JSON.parse(process.env.SPLITPOOL_KNEX_SUITES)
const folder = process.cwd()
const resolver = require(path.join(folder, 'lib/knex-builder/internal/config-resolver'))

const DIALECTS = { postgres: 'postgres', pg: 'postgres', mysql2: 'mysql' }
const routers = []
const count = { swapped: 0, left: {} }
const left = (why) => {
  count.left[why] = (count.left[why] ?? 0) + 1
}

const { resolveConfig } = resolver
resolver.resolveConfig = function (...args) {
  const resolved = resolveConfig(...args)
  const { resolvedConfig: config } = resolved
  const dialect = DIALECTS[config.client]
  if (dialect === undefined) return resolved
  if (config.connection == null) {
    left(config.connectionPool == null ? 'no connection' : 'a pool of the application')
    return resolved
  }
  if (typeof config.connection === 'function') {
    left('the connection is a function')
    return resolved
  }
  const { connection, ...rest } = config
  if (way === 'bare-pool') {
    count.swapped++
    return { ...resolved, resolvedConfig: { ...rest, connectionPool: driverPool(dialect, connection) } }
  }
  const router = routerOver(dialect, connection)
  routers.push(router)
  count.swapped++
  if (way === 'pool') {
    return { ...resolved, resolvedConfig: { ...rest, connectionPool: router.pool() } }
  }
  const Client = knexClient(router)
  const Dialect = way === 'statements' ? scopedByStatement(Client, router, dialect) : Client
  return { resolvedConfig: { ...rest, client: Dialect }, Dialect }
}

// Knex takes its resolver when it is loaded, which splitpool does
const { createRouter } = require('splitpool')
const { knexClient } = require(path.join(folder, 'node_modules/splitpool/dist/adapters/knex'))

/** The nodes that the suites are for; for another server, that one alone. */
function routerOver(dialect, connection) {
  const make = require(`splitpool/${dialect === 'postgres' ? 'pg' : 'mysql2'}`)[dialect]
  const [primary, ...replicas] = nodes[dialect]
  const known = connection.port === primary.port
  // Knex hides the password from those who copy the settings
  const own = { ...connection, password: connection.password }
  return createRouter({
    databases: {
      default: make({
        primary: own,
        replicas: known ? replicas.map(({ host, port }) => ({ ...own, host, port })) : [],
      }),
    },
  })
}

function driverPool(dialect, connection) {
  const options = { ...connection, password: connection.password }
  if (dialect === 'mysql') return require('mysql2').createPool(options)
  const { Pool } = require('pg')
  return new Pool(options)
}

if (way === 'scoped') {
  const { Runnable } = require('mocha')
  const { run } = Runnable.prototype
  Runnable.prototype.run = function (done) {
    const inScopes = routers.reduce(
      (inner, router) => () => router.scope(inner),
      () => run.call(this, done),
    )
    Promise.all(Object.keys(nodes).map(caughtUp)).then(inScopes, done)
  }
}

function scopedByStatement(Client, router, dialect) {
  return class extends Client {
    runner(builder) {
      const runner = super.runner(builder)
      if (this.transacting) return runner
      const ensure = runner.ensureConnection
      runner.ensureConnection = async (...args) => {
        await caughtUp(dialect)
        return await router.scope(() => ensure.apply(runner, args))
      }
      return runner
    }
  }
}

/** The replicas have applied what the primary has committed by now. */
const caughtUp = async (dialect) => {
  watched[dialect] ??= Promise.all(nodes[dialect].map(WATCHES[dialect].connect))
  const [primary, ...replicas] = await watched[dialect]
  const position = await WATCHES[dialect].position(primary)
  await Promise.all(replicas.map((replica) => WATCHES[dialect].reached(replica, position)))
}
const watched = {}
const WATCHES = {
  postgres: {
    connect: async ({ host, port }) => {
      const client = new (require('pg').Client)({ ...account, host, port })
      await client.connect()
      return client
    },
    position: async (primary) => {
      const { rows } = await primary.query('SELECT pg_current_wal_flush_lsn() AS position')
      return rows[0].position
    },
    reached: async (replica, position) => {
      const ask = 'SELECT pg_last_wal_replay_lsn() >= $1 AS reached'
      while (!(await replica.query(ask, [position])).rows[0].reached) await sleep(1)
    },
  },
  mysql: {
    connect: ({ host, port }) => require('mysql2/promise').createConnection({ ...account, host, port }),
    position: async (primary) => {
      const [rows] = await primary.query('SELECT @@global.gtid_executed AS position')
      return rows[0].position
    },
    reached: async (replica, position) => {
      const [rows] = await replica.query('SELECT WAIT_FOR_EXECUTED_GTID_SET(?, 30) AS late', [position])
      if (rows[0].late !== 0) throw new Error('The replica is late by more than 30 s')
    },
  },
}

process.on('exit', () => {
  const statements = {}
  const refused = routers.reduce((sum, router) => sum + router.stats().refusedByReplica, 0)
  for (const router of routers) {
    for (const [id, node] of Object.entries(router.stats().nodes ?? {})) {
      statements[id] = (statements[id] ?? 0) + (node.statements ?? 0)
    }
  }
  console.log(`over splitpool: ${JSON.stringify({ ...count, statements, refused })}`)
})
