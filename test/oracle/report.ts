import Table from 'cli-table3'
import type { Dialect } from '../../src/dialects/dialect'
import type { SuiteRun } from './observation'
import type { Finding, Trial } from './trial'

export interface Report {
  readonly dialect: Dialect
  readonly version: string
  readonly run: SuiteRun
  readonly trial: Trial
  readonly seconds: number
}

/** Prints the figures, and behind them everything that was left out of them, so that a reader can check it. */
export function printReport(reports: readonly Report[]): void {
  if (reports.length === 0) return
  const figures = new Table({
    head: [
      '',
      'seen',
      'run',
      'refused',
      'A: reads',
      'excused',
      'alike',
      'B: reads',
      'not reads',
      'C: reads',
      's',
    ],
    colAligns: ['left', ...Array<'right'>(10).fill('right')],
    style: { head: [], border: [] },
  })
  for (const { dialect, version, run, trial, seconds } of reports) {
    figures.push([
      `${dialect} ${version}`,
      run.seen,
      run.run,
      trial.refused,
      trial.violations.length,
      total(trial.excused),
      trial.answeredAlike,
      `${(trial.readShare * 100).toFixed(2)} %`,
      total(trial.notReads),
      trial.silent.length,
      seconds.toFixed(0),
    ])
  }
  console.log(figures.toString())
  for (const report of reports) printDetails(report)
}

const LISTED = process.env['SPLITPOOL_ORACLE'] === undefined ? 3 : Infinity

function printDetails({ dialect, run, trial }: Report): void {
  const lines: string[] = [`\n${dialect}: not run`]
  for (const [reason, count] of byCount(run.leftOut)) lines.push(`  ${count} × ${reason}`)
  lines.push(`${dialect}: refused and a read, excused`, ...grouped(trial.excused))
  lines.push(`${dialect}: answered alike and rightly no read`, ...grouped(trial.notReads))
  const misses = new Map<string, Finding[]>()
  for (const miss of trial.misses) misses.set(miss.note, [...(misses.get(miss.note) ?? []), miss])
  lines.push(`${dialect}: answered alike and no read (misses)`, ...grouped(misses))
  console.log(lines.join('\n'))
}

function grouped(findings: ReadonlyMap<string, readonly Finding[]>): string[] {
  const counts = new Map([...findings].map(([kind, list]) => [kind, list.length]))
  return byCount(counts).flatMap(([kind, count]) => [
    `  ${count} × ${kind}`,
    ...findings
      .get(kind)!
      .slice(0, LISTED)
      .map(({ where, sql }) => `      ${where}: ${sql.slice(0, 120)}`),
  ])
}

function byCount(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a)
}

function total(findings: ReadonlyMap<string, readonly Finding[]>): number {
  return [...findings.values()].reduce((sum, list) => sum + list.length, 0)
}
