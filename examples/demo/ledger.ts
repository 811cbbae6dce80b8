import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { once, EventEmitter } from 'node:events'
import type { RequestHandler } from 'express'
import type { StatementEvent } from '../../src'

/** What one request did. */
export interface Account {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly statements: readonly StatementEvent[]
}

/**
 * Keeps an account of each request. A statement's event is published in the asynchronous context of the code that sent
 * the statement, so a context of our own tells which request it belongs to.
 */
export class Ledger {
  /** In the order in which the requests came. */
  readonly accounts: Account[] = []
  readonly #statements = new AsyncLocalStorage<StatementEvent[]>()
  readonly #news = new EventEmitter()
  #open = 0

  constructor() {
    subscribe('splitpool:statement', (event) => {
      this.#statements.getStore()?.push(event as StatementEvent)
    })
  }

  /** The first middleware of the application. */
  readonly record: RequestHandler = (request, response, next) => {
    const { method, originalUrl: path } = request
    const statements: StatementEvent[] = []
    const place = this.accounts.push({ method, path, status: 0, statements }) - 1
    this.#open++
    response.once('close', () => {
      this.#open--
      const account = { method, path, status: response.statusCode, statements }
      this.accounts[place] = account
      this.#news.emit('account', account)
    })
    this.#statements.run(statements, next)
  }

  onAccount(tell: (account: Account) => void): void {
    this.#news.on('account', tell)
  }

  /** Resolves once no request is under way. */
  async settled(): Promise<void> {
    while (this.#open > 0) await once(this.#news, 'account')
  }
}

/** The replica from which the request read each database, by alias: its pins. */
export function pinsOf({ statements }: Account): Map<string, string> {
  const pins = new Map<string, string>()
  for (const { decision } of statements) {
    if (decision.role === 'replica' && !pins.has(decision.alias)) pins.set(decision.alias, decision.nodeId)
  }
  return pins
}
