import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { looksLikeQuery, type Observer, type SuiteRun } from './observation'
import { alike, type Outcome } from './outcome'
import { neverRun } from './never-run'
import { PostgresSession } from './postgres-session'
import { PsqlScript, type PsqlStep } from './psql-script'

export interface PostgresSuiteOptions {
  /** `src/test/regress` of PostgreSQL's source. Readable by the server. */
  readonly folder: string
  /** A superuser's URLs, of the same database. The primary waits for the replica at each commit. */
  readonly primaryUrl: string
  readonly replicaUrl: string
  /** How many files of one group of the schedule run at the same time. */
  readonly concurrency: number
  /** Ends the run between two statements. */
  readonly signal: AbortSignal
}

/** What pg_regress and its `psql` tell the server. */
const AS_PG_REGRESS = {
  TimeZone: 'America/Los_Angeles',
  DateStyle: 'Postgres, MDY',
  IntervalStyle: 'postgres_verbose',
  lc_messages: 'C',
}
const ON_PRIMARY = {
  ...AS_PG_REGRESS,
  statement_timeout: '5000',
  lock_timeout: '1000',
  synchronous_commit: 'remote_apply',
}
const ON_REPLICA = { ...AS_PG_REGRESS, statement_timeout: '3000', lock_timeout: '100' }
const PATIENCE_MS = 8_000

type Statement = Extract<PsqlStep, { kind: 'statement' }>

/**
 * Runs PostgreSQL's regression scripts in the order and the groups of its own schedule, in one database, as pg_regress
 * does: later scripts need the tables of earlier ones. Each statement goes to the primary, and to the standby as it
 * stood just before.
 */
export async function runPostgresSuite(options: PostgresSuiteOptions, observe: Observer): Promise<SuiteRun> {
  const run: SuiteRun = { seen: 0, run: 0, leftOut: new Map() }
  for (const group of schedule(options)) {
    const queue = [...group]
    const worker = async (): Promise<void> => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
        await new ScriptRun(options, file, run, observe).run()
      }
    }
    await Promise.all(Array.from({ length: Math.min(options.concurrency, queue.length) }, worker))
  }
  return run
}

function schedule({ folder }: PostgresSuiteOptions): readonly string[][] {
  return readFileSync(join(folder, 'parallel_schedule'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('test:'))
    .map((line) => line.slice(5).trim().split(/\s+/))
}

class ScriptRun {
  readonly #file: string
  readonly #script: PsqlScript
  readonly #primary: PostgresSession
  readonly #replica: PostgresSession
  readonly #run: SuiteRun
  readonly #observe: Observer
  readonly #signal: AbortSignal

  constructor(options: PostgresSuiteOptions, file: string, run: SuiteRun, observe: Observer) {
    this.#file = file
    this.#run = run
    this.#observe = observe
    this.#signal = options.signal
    this.#script = new PsqlScript(readFileSync(join(options.folder, 'sql', `${file}.sql`), 'utf8'), {
      PG_ABS_SRCDIR: options.folder,
      PG_ABS_BUILDDIR: options.folder,
    })
    this.#primary = new PostgresSession({
      connectionString: options.primaryUrl,
      settings: ON_PRIMARY,
      patienceMs: PATIENCE_MS,
    })
    this.#replica = new PostgresSession({
      connectionString: options.replicaUrl,
      settings: ON_REPLICA,
      patienceMs: PATIENCE_MS,
    })
  }

  async run(): Promise<void> {
    try {
      for (;;) {
        this.#signal.throwIfAborted()
        this.#script.standardStrings = this.#primary.standardStrings
        const step = this.#script.next()
        if (step === null) break
        await this.#take(step)
      }
    } finally {
      await Promise.all([this.#primary.close(), this.#replica.close()])
    }
  }

  async #take(step: PsqlStep): Promise<void> {
    switch (step.kind) {
      case 'reconnect':
        await Promise.all([this.#primary.close(), this.#replica.close()])
        return
      case 'left-out':
        this.#run.seen++
        this.#leaveOut(`only psql can send it (${step.command})`)
        return
      case 'statement':
        if (step.sql !== '') await this.#statement(step)
    }
  }

  #leaveOut(reason: string): void {
    this.#run.leftOut.set(reason, (this.#run.leftOut.get(reason) ?? 0) + 1)
  }

  async #statement(step: Statement): Promise<void> {
    this.#run.seen++
    const danger = neverRun('postgres', step.sql)
    if (danger !== null) {
      this.#leaveOut(danger)
      return
    }
    this.#run.run++
    const primary = await this.#ask(step)
    if (primary.kind !== 'answered') return
    if (step.then.kind === 'set') this.#setVariables(step.then.prefix, primary)
    if (step.then.kind === 'execute') {
      for (const sql of primary.rows.flatMap((row) => JSON.parse(row) as (string | null)[])) {
        if (sql !== null)
          await this.#statement({ kind: 'statement', sql, line: step.line, then: { kind: 'nothing' } })
      }
    }
  }

  async #ask({ sql, line }: Statement): Promise<Outcome> {
    const isQuery = looksLikeQuery(sql)
    // A query changes nothing (or is refused), so both may answer at once; anything else is asked of the standby first.
    const asked = this.#replica.run(sql)
    if (!isQuery) await asked
    const feed = { asked: false }
    const primary = await this.#primary.run(sql, () => {
      feed.asked = true
      return this.#script.copyData()
    })
    const replica = await asked
    if (!feed.asked && /\bcopy\b.*\bfrom\s+stdin\b/is.test(sql)) this.#script.skipCopyData()
    await this.#observe({
      file: this.#file,
      line,
      database: 'regression',
      sql,
      isQuery,
      primary,
      replica,
      alike: alike(primary, replica),
    })
    // The standby's session follows the primary's settings but not its transactions, in which it could see nothing.
    if (this.#replica.transactionStatus !== 'I') await this.#replica.run('ROLLBACK')
    if (/\b(set|reset|discard)\b|_timeout/i.test(sql) && !isQuery) {
      await this.#replica.restoreLimits()
      if (this.#primary.transactionStatus !== 'E') await this.#primary.restoreLimits()
    }
    return primary
  }

  #setVariables(prefix: string, { columns, rows }: Outcome & { kind: 'answered' }): void {
    if (rows.length !== 1) return
    const values = JSON.parse(rows[0]!) as (string | null)[]
    columns.forEach((column, i) => {
      const value = values[i] ?? null
      if (value === null) this.#script.variables.delete(prefix + column)
      else this.#script.variables.set(prefix + column, value)
    })
  }
}
