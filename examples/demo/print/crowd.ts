import pc from 'picocolors'
import type { Role } from '../../../src'
import { pinsOf, type Account } from '../ledger'
import { colourOf, nodeName, status } from './account'
import { columns, line } from './layout'

const WIDTHS = [18, 6, 11, 11, 45]

/** Many requests, one line each: their pins, and how many statements went where by which rule. */
export function printCrowd(accounts: readonly Account[]): void {
  const head = ['request', 'status', 'pin default', 'pin users', 'statements'].map((text) => pc.dim(text))
  line(columns(WIDTHS, [head, ...accounts.map(row)]))
}

function row(account: Account): string[] {
  const pins = pinsOf(account)
  const pin = (alias: string): string => {
    const nodeId = pins.get(alias)
    return nodeId === undefined ? pc.dim('-') : pc.green(nodeName(nodeId))
  }
  return [
    `${pc.bold(account.method.padEnd(4))} ${account.path}`,
    status(account.status),
    pin('default'),
    pin('users'),
    [summary(account, 'replica', 'on replicas'), summary(account, 'primary', 'on the primary')]
      .filter((text) => text !== '')
      .join('; '),
  ]
}

/** `2 on the primary: not-a-read, own-writes` */
function summary({ statements }: Account, role: Role, where: string): string {
  const there = statements.map(({ decision }) => decision).filter((decision) => decision.role === role)
  if (there.length === 0) return ''
  const rules = [...new Set(there.map(({ rule }) => rule))].join(', ')
  return `${colourOf({ role })(`${there.length} ${where}`)}: ${rules}`
}
