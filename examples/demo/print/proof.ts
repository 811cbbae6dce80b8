import pc from 'picocolors'
import type { Witness } from '../backend'
import { whoWrote, type ServerCount, type Verdict } from '../proof'
import { colourOf } from './account'
import { framed, line, title } from './layout'

/** What the servers say themselves. */
export function printProof(counts: readonly ServerCount[], { source, unit }: Witness): void {
  title(`The servers' own word, from ${source}`)
  const rows = counts.map(({ id, isReplica, calls, done, failed, written }) => [
    colourOf({ role: isReplica ? 'replica' : 'primary' })(id),
    calls,
    done,
    failed,
    isReplica ? (written === 0 ? pc.green(written) : pc.red(written)) : written,
  ])
  const head = ['server', 'calls itself', unit, 'failed', 'rows written']
  line(framed(head, rows, ['left', 'left', 'right', 'right', 'right']))
  line(SAID[whoWrote(counts)])
}

const SAID: Readonly<Record<Verdict, string>> = {
  'primary-alone': pc.green('✓ Every row was written on the primary, none on a replica.'),
  nobody: 'No row was written.',
  'a-replica': pc.red('✗ Rows were written on a replica.'),
}
