import type { Attempt, Connection, KeptLease as Contract, Statement } from '../adapters/adapter'
import { noteWrite } from '../consistency/own-writes'
import { readOnlySession } from '../dialects/begin'
import { crossDatabase } from '../errors'
import type { Decision } from '../routing/decision'
import type { Classification } from '../statement/classification'
import { released, stay, type LeasePort, type Located } from './lease'
import { SentTransaction } from './sent-transaction'

/**
 * A connection that its owner keeps for long, as an ORM does that pools connections itself, and that chooses its server
 * at every statement, as a pool does. It holds one connection of each server it has needed:
 *
 *     SET …               on every connection, those that are open and those that are opened later
 *     SELECT              on the scope's replica, or where else a pool would send it
 *     INSERT              on the primary
 *     BEGIN … COMMIT      all on one connection
 *     anything else that a session remembers (a temporary table, a lock, a SET inside a transaction):
 *                         from there on all on the primary
 *
 * Statements run one after the other, in the order in which they were sent, as on any connection.
 */
export class KeptLease<L extends Located> implements Contract {
  /** It never moves: it keeps what it has. */
  onMove: (() => void) | null = null
  onOver: (() => void) | null = null
  readonly #port: LeasePort<L>
  /** The connection to each node, by its id. */
  readonly #held = new Map<string, Held>()
  /** What the session has been set to, by what is set, in the order in which it was last said. */
  readonly #settings = new Map<string, string>()
  #last: Held | null = null
  /** Where everything goes now: a transaction is open or declared, or the session has something to remember. */
  #bound: Decision | null = null
  readonly #transaction = new SentTransaction<L>()
  /** MySQL's SET TRANSACTION came, which holds for the next statement or the transaction that it opens. */
  #declared = false
  /** It stays on the primary for ever. */
  #settled = false
  /** Statements run one after the other; `null` when none does. */
  #turn: Promise<unknown> | null = null
  #released = false
  /** Its connections have been given back, and none may be taken any more. */
  #over = false
  #ended: Promise<void> | null = null

  constructor(port: LeasePort<L>) {
    this.#port = port
  }

  get native(): unknown {
    return this.#last?.connection.native ?? null
  }

  run<T>(statement: Statement, attempt: Attempt<T>): Promise<T> {
    if (this.#released) return Promise.reject(released())
    try {
      const located = this.#port.locate(statement)
      if (isSetting(located) && statement.repeatable !== false) {
        return this.#inTurn(() =>
          this.#bound === null && this.#remembers(located.sql)
            ? this.#set(asRead(located), attempt)
            : this.#run(located, attempt),
        )
      }
      // Now, so that a read that is sent beside the write cannot slip between.
      noteWrite(located, this.#aliasOf(located), located.classification)
      return this.#inTurn(() => this.#run(located, attempt))
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- also what a router of the chain threw
      return Promise.reject(error)
    }
  }

  /** Of the node that a read would go to, unless it has to be a particular one. */
  async connection<T>(use: (native: unknown) => T | Promise<T>): Promise<T> {
    if (this.#released) throw released()
    const located = asRead(this.#port.locate({ sql: '' }))
    return await this.#inTurn(async () => {
      return await use((await this.#anywhere(located)).connection.native)
    })
  }

  /** Gives all its connections back once what was sent before has ended; with an error, at once. */
  release(error?: unknown): void {
    if (this.#released) return
    this.#released = true
    const giveBack = (): void => {
      this.#over = true
      this.#transactionEnded()
      for (const { connection, changed } of this.#held.values()) {
        connection.release(error ?? (changed ? new Error('Its session was changed') : undefined))
      }
      this.#held.clear()
      this.#last = null
      this.onOver?.()
    }
    if (error === undefined) this.#ended = (this.#turn ?? Promise.resolve()).then(giveBack)
    else {
      giveBack()
      this.#ended = Promise.resolve()
    }
  }

  async end(): Promise<void> {
    this.release()
    await this.#ended
  }

  /** Tells the server that a read would go to, those that are connected already, and every other when it is opened. */
  async #set<T>(located: L & { readonly sql: string }, attempt: Attempt<T>): Promise<T> {
    const { sql, database } = located
    const here = await this.#anywhere(located)
    const { connection, decision } = here
    const result = await this.#port.runner.once(located, decision, connection.native, attempt)
    const setting = settingOf(sql)
    this.#settings.delete(setting)
    this.#settings.set(setting, sql)
    for (const held of this.#held.values()) {
      // One that cannot be told is opened anew when it is needed, and told then.
      await tell(held, held === here ? [] : [sql], database.dialect).catch((error: unknown) => {
        this.#drop(held, error)
      })
    }
    return result
  }

  #remembers(sql: string): boolean {
    return this.#settings.size < MOST_SETTINGS || this.#settings.has(settingOf(sql))
  }

  #run<T>(located: L, attempt: Attempt<T>): Promise<T> {
    const decision = this.#decide(located)
    const held = this.#on(decision, located)
    return held instanceof Promise
      ? held.then((opened) => this.#start(located, decision, opened, attempt))
      : this.#start(located, decision, held, attempt)
  }

  #start<T>(located: L, decision: Decision, first: Held, attempt: Attempt<T>): Promise<T> {
    const declared = this.#declared
    let held = first
    this.#follow(located, held)
    const place = async (next: Decision): Promise<unknown> => {
      held = await this.#on(next, located)
      return held.connection.native
    }
    return this.#port.runner.run(located, decision, held.connection.native, place, attempt, (failure) => {
      if (failure !== null) this.#failed(located, held, failure.error)
      if (declared) this.#unbind()
      if (!this.#transaction.isOpen && held.changed && held.decision.role === 'replica') {
        this.#drop(held, new Error('Its session was changed'))
      }
    })
  }

  #failed(located: L, held: Held, error: unknown): void {
    // Nothing was opened by what failed.
    if (this.#transaction.isOf(located)) this.#transactionEnded()
    const errorClass = located.database.adapter.classifyError(error)
    // Not one that a transaction was lost with, which has to be ended first.
    if (this.#bound === null && (errorClass === 'connection' || errorClass === 'unsent'))
      this.#drop(held, error)
  }

  #decide(located: L): Decision {
    if (this.#bound === null) return this.#port.decide(located)
    if (this.#aliasOf(located) !== this.#bound.alias) throw crossDatabase(this.#bound, located.alias)
    return stay(this.#bound, located.classification, this.#transaction.isOpen)
  }

  /** Where it is bound, a statement that names no database belongs to the connection it is sent on. */
  #aliasOf({ alias, also, databaseRule }: L): string {
    if (this.#bound === null) return alias
    if (also.includes(this.#bound.alias)) return this.#bound.alias
    return databaseRule === 'pool' || databaseRule === 'default' ? this.#bound.alias : alias
  }

  /** The connection to a node; a new one is told what the session has been set to. */
  #on(decision: Decision, located: L): Held | Promise<Held> {
    const known = this.#held.get(decision.nodeId)
    if (known !== undefined) {
      if (known.connection.lost !== true || this.#bound !== null) return (this.#last = known)
      this.#drop(known, new Error('The connection was lost'))
    }
    return this.#open(decision, located)
  }

  async #open(decision: Decision, { database }: L): Promise<Held> {
    const connection = await this.#port.connect(decision)
    const held: Held = { connection, decision, changed: false }
    try {
      if (this.#settings.size > 0) await tell(held, this.#settings.values(), database.dialect)
      if (this.#over) throw released()
    } catch (error) {
      connection.release(error)
      throw error
    }
    this.#held.set(decision.nodeId, held)
    return (this.#last = held)
  }

  /** Where a read would go, or else, when no replica can be reached, the primary: nothing is asked of the data. */
  async #anywhere(located: L): Promise<Held> {
    const decision = this.#bound ?? this.#port.decide(located)
    try {
      return await this.#on(decision, located)
    } catch (error) {
      const errorClass = located.database.adapter.classifyError(error)
      if (this.#bound !== null || decision.role === 'primary' || errorClass !== 'connection') throw error
      const classification: Classification = { ...located.classification, intent: 'write' }
      return await this.#on(this.#port.decide({ ...located, classification }), located)
    }
  }

  #follow(located: L, held: Held): void {
    const { sql, classification, database } = located
    const { intent, sets } = classification
    const { decision } = held
    this.#declared = false
    if (sets === 'transaction') {
      // PostgreSQL's does nothing where no transaction is open.
      if (!this.#transaction.isOpen && database.dialect !== 'postgres') {
        this.#declared = true
        this.#bound ??= decision
      }
    } else if (intent === 'session' || typeof sql !== 'string') {
      if (decision.role === 'replica') held.changed = true
      else {
        this.#settled = true
        this.#bound = decision
      }
    }
    const does = this.#transaction.follow(located, decision)
    if (does === 'opens') this.#bound = decision
    else if (does === 'ends') this.#unbind()
  }

  #transactionEnded(): void {
    this.#transaction.ended()
    this.#unbind()
  }

  #unbind(): void {
    if (!this.#settled && !this.#declared && !this.#transaction.isOpen) this.#bound = null
  }

  #drop(held: Held, error: unknown): void {
    if (this.#held.get(held.decision.nodeId) !== held) return
    this.#held.delete(held.decision.nodeId)
    if (this.#last === held) this.#last = null
    held.connection.release(error)
  }

  /** Runs a step when those before it have ended; at once when there is none. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#turn
    const result =
      turn === null
        ? step()
        : turn.then(() => {
            if (this.#over) throw released()
            return step()
          })
    const ended = (): void => {
      if (this.#turn === next) this.#turn = null
    }
    const next: Promise<void> = result.then(ended, ended)
    this.#turn = next
    return result
  }
}

/** Beyond this many different settings, a session stays on the primary, where it has them. */
const MOST_SETTINGS = 100

/** A connection, the decision that opened it, and whether its session is no longer as it was opened. */
interface Held {
  readonly connection: Connection
  readonly decision: Decision
  changed: boolean
}

/** Whatever it is set to, a session on a replica stays read only. */
async function tell(
  { connection, decision }: Held,
  settings: Iterable<string>,
  dialect: Parameters<typeof readOnlySession>[0],
): Promise<void> {
  for (const sql of settings) await connection.run(sql)
  if (decision.role === 'replica') await connection.run(readOnlySession(dialect))
}

/** One that can be said again by its text: without values for placeholders, and of no value that the session gives. */
function isSetting<L extends Located>(located: L): located is L & { readonly sql: string } {
  return located.classification.sets === 'session' && !/\?|=.*@/s.test(String(located.sql))
}

/** What a SET sets: `set app.user` of `SET app.user = 'x'`; all of a text that sets several things. */
function settingOf(sql: string): string {
  const end = /[;,]/.test(sql) ? -1 : sql.search(/=|\sto\s/i)
  return end === -1 ? sql : sql.slice(0, end).trim().toLowerCase()
}

/** A SET goes where a read goes: it changes nothing but the session. */
function asRead<L extends Located>(located: L): L {
  return { ...located, classification: { ...located.classification, intent: 'read' } }
}
