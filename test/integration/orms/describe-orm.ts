import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../../servers/cluster'
import { describeDialect } from '../../servers/provided'
import { until } from '../../servers/until'
import { CASES, CLOSING } from './cases'
import { lacking } from './lacking'
import type { OrmDialect, OrmUnderTest } from './orm-under-test'
import { createSchema, dropSchema } from './schema'
import { Stage } from './stage'

/**
 * Asks every case of an ORM, on every dialect that it is opened for. What it lacks shows as skipped, with the reason.
 *
 * @param more tests of what this ORM alone has, on the same stage
 */
export function describeOrm(
  orm: OrmUnderTest,
  more: (dialect: OrmDialect, stage: () => Stage) => void = () => undefined,
): void {
  describe(orm.name, () => {
    for (const dialect of ['postgres', 'mysql'] as const) {
      if (orm[dialect] === undefined) continue
      describeDialect(dialect, (cluster) => {
        describeCases(orm, dialect, cluster, more)
      })
    }
  })
}

function describeCases(
  orm: OrmUnderTest,
  dialect: OrmDialect,
  cluster: Cluster,
  more: (dialect: OrmDialect, stage: () => Stage) => void,
): void {
  let stage: Stage

  beforeAll(async () => {
    await createSchema(cluster, dialect)
    stage = await Stage.open(orm, dialect, cluster)
  })

  afterEach(async () => {
    await stage.expectNothingHeld()
  })

  afterAll(async () => {
    await stage.close()
    await dropSchema(cluster, dialect)
  })

  for (const asked of CASES) {
    const reason = lacking(orm, dialect, asked)
    if (reason === null) {
      it(asked.title, async () => {
        const refused = stage.refused()
        await asked.run(stage, stage.orm)
        if (asked.surprising !== true)
          expect(stage.refused(), 'statements that a replica refused').toBe(refused)
      })
    } else it.skip(`${asked.title} (lacking: ${reason})`)
  }

  more(dialect, () => stage)

  it('has every operation but those that it says it lacks', () => {
    // `nested` is on the handle of a transaction.
    const needed = CASES.filter(({ needs, not }) => needs !== 'nested' && not?.[dialect] === undefined)
    const operations = [...new Set(needed.flatMap(({ needs }) => needs ?? []))].sort()
    const expected = operations.filter((needs) => lacking(orm, dialect, { needs }) === null)
    expect(operations.filter((operation) => stage.orm[operation] !== undefined)).toEqual(expected)
  })

  it(CLOSING, async () => {
    const own = await Stage.open(orm, dialect, cluster)
    await own.scope(async () => {
      await own.orm.seen(1)
      await own.orm.update(20, 'closing')
      await own.orm.transaction?.((tx) => tx.seen(1))
    })
    await own.scope(() => Promise.all(Array.from({ length: 5 }, () => own.orm.seen(1))))
    expect(await own.connections(), 'connections while it is open').toBeGreaterThanOrEqual(2)
    await own.close()
    let left = 0
    await until(
      () => `no connection is left; ${left} are`,
      async () => (left = await own.connections()) === 0,
      { timeoutMs: 5_000 },
    )
  })
}
