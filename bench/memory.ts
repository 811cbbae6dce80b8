import { execFileSync } from 'node:child_process'
import path from 'node:path'
import Table from 'cli-table3'

/** (c) What is kept: by a scope that is open, and by a router that does nothing. Measured in a process of its own, which may collect. */
export function benchMemory(): void {
  const tsx = path.join(__dirname, '../node_modules/tsx/dist/cli.mjs')
  const script = path.join(__dirname, 'memory-probe.ts')
  const output = execFileSync(process.execPath, ['--expose-gc', tsx, script], { encoding: 'utf8' })
  const { scope, router } = JSON.parse(output) as { scope: number; router: number }
  const table = new Table({ head: ['kept', 'bytes'] })
  table.push(
    ['by each open scope that has read', scope.toFixed(0)],
    ['by each idle router (1 primary, 2 replicas)', router.toFixed(0)],
  )
  console.log('\nmemory: heap kept')
  console.log(table.toString())
}
