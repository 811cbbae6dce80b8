import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { classify } from '../../src/statement/classify'
import { ServersUnavailable } from '../servers'
import { MaterialUnavailable } from './material'
import type { SuiteRun } from './observation'
import { printReport, type Report } from './report'
import { startSuite } from './start-suite'
import { Trial, type Finding } from './trial'
import { wantedDialects } from './wanted-dialects'

/**
 * The classifier judged by the servers' own word: the statements of PostgreSQL's, MySQL's and MariaDB's own regression
 * suites are run on a primary and on its replica, and what the replica said is compared with what the classifier says.
 * See README.md beside this file.
 */
const reports: Report[] = []

const PATIENCE_MS = process.env['SPLITPOOL_ORACLE'] === 'full' ? 3_600_000 : 240_000

for (const dialect of wantedDialects()) {
  describe(`the regression suite of ${dialect}`, () => {
    let run: SuiteRun | undefined
    let unavailable: string | undefined
    let trial: Trial

    beforeAll(async () => {
      const started = performance.now()
      const suite = await startSuite(dialect).catch((error: unknown) => {
        if (
          process.env['CI'] ||
          !(error instanceof MaterialUnavailable || error instanceof ServersUnavailable)
        )
          throw error
        unavailable = error.message
        console.warn(`Skipped: ${unavailable}`)
        return null
      })
      if (suite === null) return
      try {
        trial = new Trial(dialect, (sql) => classify(sql, dialect), suite.excuse)
        run = await suite.run((observation) => trial.hear(observation), AbortSignal.timeout(PATIENCE_MS))
        reports.push({
          dialect,
          version: suite.version,
          run,
          trial,
          seconds: (performance.now() - started) / 1000,
        })
      } finally {
        await suite.stop()
      }
    }, PATIENCE_MS + 120_000)

    const judge = (what: string, check: (trial: Trial, run: SuiteRun) => void): void => {
      it(what, (context) => {
        if (run === undefined) {
          context.skip(unavailable)
          return
        }
        check(trial, run)
      })
    }

    judge('was really run', (trial, run) => {
      expect(run.run).toBeGreaterThan(dialect === 'postgres' ? 40_000 : 5_000)
      expect(trial.refused).toBeGreaterThan(run.run / 4)
      expect(trial.answeredAlike).toBeGreaterThan(run.run / 20)
    })

    judge('A: nothing that a replica refuses is a read, if its text shows what it does', (trial) => {
      expect(list(trial.violations)).toEqual([])
    })

    judge('B: of what a replica answers like the primary, at least 99 % are reads', (trial) => {
      expect(trial.readShare, list(trial.misses).join('\n')).toBeGreaterThanOrEqual(0.99)
    })

    judge('C: nothing that a replica answers and should not is a read', (trial) => {
      expect(list(trial.silent)).toEqual([])
    })
  })
}

afterAll(() => {
  printReport(reports)
})

function list(findings: readonly Finding[]): string[] {
  return findings.map(({ where, sql, note }) => `${where}: ${sql} -- ${note}`)
}
