import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionOptions } from 'mysql2'
import type { Dialect } from '../../src/dialects/dialect'
import { Follower } from './follower'
import { MysqltestScript, type MysqltestStep } from './mysqltest-script'
import { MysqlSession, type MysqlSessionOptions } from './mysql-session'
import { neverRun } from './never-run'
import { looksLikeQuery, type Observer, type SuiteRun } from './observation'
import { alike, type Outcome } from './outcome'

export type MysqlDialect = Exclude<Dialect, 'postgres'>

/** Runs one statement as a user who may do everything and returns its rows. */
export type RunAsAdmin = (node: 'primary' | 'replica', sql: string) => Promise<unknown[]>

export interface MysqlSuiteOptions {
  readonly dialect: MysqlDialect
  /** The folder with the `.test` files of the main suite, and that with its `include` files. */
  readonly tests: string
  readonly includes: string
  /** As an ordinary user, who owns the databases named `oracle…` and is bound by `read_only`. */
  readonly primary: ConnectionOptions
  readonly replica: ConnectionOptions
  /** As a user who may do everything. */
  readonly admin: RunAsAdmin
  readonly concurrency: number
  /** Ends the run between two statements. */
  readonly signal: AbortSignal
  readonly files: readonly string[]
}

const PATIENCE_MS = 4_000

const LIMITS: Readonly<Record<MysqlDialect, readonly string[]>> = {
  mysql: ['SET SESSION max_execution_time = 2000, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1'],
  mariadb: ['SET SESSION max_statement_time = 2, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1'],
}

/** Runs test files, each in a database of its own that stands in for `test`. */
export async function runMysqlSuite(options: MysqlSuiteOptions, observe: Observer): Promise<SuiteRun> {
  const run: SuiteRun = { seen: 0, run: 0, leftOut: new Map() }
  const follower = new Follower(options.dialect, options.admin)
  const queue = [...options.files.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, file] = next
      await new FileRun(options, follower, file, `oracle_${index}`, run, observe).run()
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  return run
}

type Statement = Extract<MysqltestStep, { kind: 'statement' }>

class FileRun {
  readonly #options: MysqlSuiteOptions
  readonly #follower: Follower
  readonly #file: string
  readonly #database: string
  readonly #primary: MysqlSession
  readonly #replica: MysqlSession
  readonly #run: SuiteRun
  readonly #observe: Observer
  /** Whether the primary may have written what the replica has not applied. */
  #ahead = false

  constructor(
    options: MysqlSuiteOptions,
    follower: Follower,
    file: string,
    database: string,
    run: SuiteRun,
    observe: Observer,
  ) {
    this.#options = options
    this.#follower = follower
    this.#file = file
    this.#database = database
    this.#run = run
    this.#observe = observe
    const session = (node: 'primary' | 'replica'): MysqlSessionOptions => ({
      dialect: options.dialect,
      connection: { ...options[node], database },
      // What a replica accepts of an ordinary user must not enter its own binary log: ANALYZE TABLE does, of a table
      // that the replica does not have, and on MariaDB it ends the replication.
      limits: [...LIMITS[options.dialect], ...(node === 'replica' ? ['SET SESSION sql_log_bin = 0'] : [])],
      patienceMs: PATIENCE_MS,
      kill: async (id) => {
        await options.admin(node, `KILL ${id}`).catch(() => undefined)
      },
    })
    this.#primary = new MysqlSession(session('primary'))
    this.#replica = new MysqlSession(session('replica'))
  }

  async run(): Promise<void> {
    await this.#options.admin('primary', `CREATE DATABASE ${this.#database}`)
    this.#ahead = true
    await this.#catchUp()
    try {
      await this.#script(join(this.#options.tests, this.#file), new Map(), 0)
    } finally {
      this.#primary.close()
      this.#replica.close()
    }
  }

  async #script(path: string, variables: ReadonlyMap<string, string>, depth: number): Promise<void> {
    const text = readFileSync(path, 'utf8').replace(
      /\btest\b(?=`?\.)|(?<=\buse\s+`?|')test\b/gi,
      this.#database,
    )
    const script = new MysqltestScript(text, variables)
    for (let step = script.next(); step !== null; step = script.next()) {
      if (step.kind === 'statement') await this.#statement(step)
      else if (step.kind === 'left-out') this.#leaveOut(step.reason)
      else if (depth < 3) {
        const included = this.#included(step.path)
        if (included !== null) await this.#script(included, script.variables, depth + 1)
      }
    }
  }

  #included(path: string): string | null {
    const [, name] = /^(?:\.\/)?(?:include|main)\/([\w.-]+)$/.exec(path.replace(/;$/, '')) ?? []
    if (name === undefined || HOUSEKEEPING.test(name)) return null
    const found = join(this.#options.includes, name)
    return existsSync(found) ? found : null
  }

  #leaveOut(reason: string): void {
    this.#run.seen++
    this.#run.leftOut.set(reason, (this.#run.leftOut.get(reason) ?? 0) + 1)
  }

  async #statement({ sql, line }: Statement): Promise<void> {
    this.#options.signal.throwIfAborted()
    const danger = neverRun(this.#options.dialect, sql)
    if (danger !== null) {
      this.#leaveOut(danger)
      return
    }
    this.#run.seen++
    this.#run.run++
    const isQuery = looksLikeQuery(sql)
    if (!WRITES.test(sql)) await this.#catchUp()
    const asked = this.#replica.run(sql)
    if (!isQuery) await asked
    const primary = await this.#primary.run(sql)
    const replica = await asked
    if (!isQuery || replica.kind === 'refused') this.#ahead = true
    await this.#observe({
      file: this.#file,
      line,
      database: this.#database,
      sql,
      isQuery,
      primary,
      replica,
      alike: alike(primary, replica),
    })
    if (primary.kind === 'failed' && primary.code === 'lost') this.#replica.close()
    await this.#tidy(sql, replica)
  }

  /** The replica's session follows the settings of the primary's but holds no transaction, lock or snapshot. */
  async #tidy(sql: string, replica: Outcome): Promise<void> {
    if (replica.kind !== 'answered') return
    if (/^\s*xa\b/i.test(sql)) this.#replica.close()
    if (this.#replica.inTransaction) await this.#replica.run('ROLLBACK')
    if (!this.#replica.autocommit) await this.#replica.run('SET autocommit = 1')
    if (/^\s*(lock|flush|backup)\b/i.test(sql)) await this.#replica.run('UNLOCK TABLES')
    if (/\b(max_execution_time|max_statement_time|lock_wait_timeout)\b/i.test(sql)) {
      await this.#primary.restoreLimits()
      await this.#replica.restoreLimits()
    }
  }

  async #catchUp(): Promise<void> {
    if (!this.#ahead) return
    this.#ahead = false
    await this.#follower.catchUp()
  }
}

const HOUSEKEEPING =
  /^(have_|not_|wait_|count_|assert|restart|shutdown|start_|stop_|kill|expect_|search_|grep_|check|save_|diff_|big_|force|mtr|rpl|show_|reset_|install|uninstall|get_|windows|linux|no_|only_|ipv6|allowed|load_|mysql_upgrade|xplugin|is_|elide)/

/** Statements that a replica refuses for what they are, whatever has been applied. */
const WRITES =
  /^\s*(insert|replace|update|delete|create|drop|alter|truncate|rename|load|grant|revoke|optimize|commit|rollback)\b/i
