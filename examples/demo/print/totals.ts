import pc from 'picocolors'
import type { Role, RoleRule, RouterStats } from '../../../src'
import type { Account } from '../ledger'
import { colourOf } from './account'
import { framed, line, title } from './layout'
import { MEANING } from './rules'

/** What the router has counted since it was made; how many of the statements were reads, from their events. */
export function printTotals({ scopes, nodes, rules }: RouterStats, accounts: readonly Account[]): void {
  const events = accounts.flatMap(({ statements }) => statements)
  const runOn = (role: Role): number =>
    Object.values(nodes).reduce((sum, node) => sum + (node.role === role ? node.statements : 0), 0)
  title(`${scopes} requests: ${runOn('replica')} statements on replicas, ${runOn('primary')} on the primary`)

  const byNode = Object.entries(nodes).map(([nodeId, { role, statements, errors }]) => {
    const intents = events
      .filter((event) => event.decision.nodeId === nodeId)
      .map(({ decision }) => decision.intent)
    const [reads, writes] = (['read', 'write'] as const).map(
      (one) => intents.filter((intent) => intent === one).length,
    )
    return [
      colourOf({ role })(nodeId),
      role,
      statements,
      reads!,
      writes!,
      statements - reads! - writes!,
      errors,
    ]
  })
  const head = ['node', 'role', 'statements', 'reads', 'writes', 'other', 'failed']
  line(framed(head, byNode, ['left', 'left', 'right', 'right', 'right', 'right', 'right']))

  const byRule = (Object.keys(MEANING) as RoleRule[])
    .filter((rule) => rules[rule] !== undefined)
    .map((rule) => [pc.bold(rule), rules[rule]!, MEANING[rule]])
  line(framed(['rule', 'decisions', 'what it means'], byRule, ['left', 'right', 'left']))
}
