import { parseArgs } from 'node:util'
import type { Dialect } from '../../src'

export interface DemoOptions {
  readonly dialect: Extract<Dialect, 'postgres' | 'mysql'>
  /** Keep serving until Ctrl-C, instead of making the requests itself. */
  readonly serve: boolean
}

export const USAGE = `Usage: npm run demo [-- --serve] [--mysql]

  Starts a real primary with two replicas, runs a small Express application on them through one
  routed pool, and tells where each statement went and why.

  --serve   keep serving until Ctrl-C, and show each request as it comes
  --mysql   MySQL and mysql2 instead of PostgreSQL and pg
  --help    this text`

/** @throws {Error} naming a flag that is not known, with the usage */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { serve, mysql, help } = parse(args)
  return help ? 'help' : { dialect: mysql ? 'mysql' : 'postgres', serve }
}

function parse(args: readonly string[]): { serve: boolean; mysql: boolean; help: boolean } {
  try {
    return parseArgs({
      args: [...args],
      options: {
        serve: { type: 'boolean', default: false },
        mysql: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    const [problem] = (error as Error).message.split('. ') // advice for programmers follows
    throw new Error(`${problem!}\n\n${USAGE}`, { cause: error })
  }
}
