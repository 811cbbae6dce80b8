import { expect } from 'vitest'
import { expectReplica, type Case } from './case'

export const writes: readonly Case[] = [
  {
    title: 'what a scope has saved it reads, while the replicas stand still; other scopes read from them',
    run: (stage, orm) =>
      stage.whilePaused(async () => {
        await stage.scope(async () => {
          expectReplica(stage, (await orm.seen(1)).node)
          const id = await stage.writes(() => orm.insert('saved'))
          expect(await orm.find(id)).toEqual({ id, body: 'saved' })
          expect(await orm.seen(id)).toMatchObject({ body: 'saved', node: 'primary' })
          await stage.writes(() => orm.update(id, 'saved again'))
          expect(await orm.find(id)).toEqual({ id, body: 'saved again' })
          const other = await stage.scope(async () => [await orm.find(id), await orm.seen(1)] as const)
          expect(other[0], 'a replica that stands still').toBeNull()
          expectReplica(stage, other[1].node)
          await stage.writes(() => orm.remove(id))
          expect(await orm.find(id)).toBeNull()
        })
      }),
  },
  {
    title: 'several rows in one call go to the primary',
    needs: 'insertMany',
    run: async (stage, orm) => {
      await stage.scope(() => stage.writes(() => orm.insertMany!(['many 1', 'many 2', 'many 3'])))
      expect(await stage.bodies('many')).toEqual(['many 1', 'many 2', 'many 3'])
    },
  },
  {
    title: 'a raw write goes to the primary, and is read back at once',
    needs: 'rawInsert',
    run: (stage, orm) =>
      stage.whilePaused(() =>
        stage.scope(async () => {
          await stage.writes(() => orm.rawInsert!('raw'))
          expect(await stage.bodies('raw')).toEqual(['raw'])
          expect(await orm.seen(1)).toMatchObject({ node: 'primary' })
        }),
      ),
  },
  {
    title: 'several statements in one text go to the primary when one of them writes',
    needs: 'several',
    run: async (stage, orm) => {
      await stage.scope(() => stage.writes(() => orm.several!('several')))
      expect(await stage.bodies('several')).toEqual(['several'])
    },
  },
  {
    title: 'a CTE that writes goes to the primary',
    needs: 'writingCte',
    not: { mysql: 'MySQL has no CTE that writes' },
    run: (stage, orm) =>
      stage.whilePaused(() =>
        stage.scope(async () => {
          const id = await stage.writes(() => orm.writingCte!('by a cte'))
          expect(await stage.bodies('by a cte')).toEqual(['by a cte'])
          expect(await orm.find(id)).toEqual({ id, body: 'by a cte' })
        }),
      ),
  },
  {
    title: 'a write that begins with a CTE that reads goes to the primary',
    needs: 'withUpdate',
    run: async (stage, orm) => {
      const id = await stage.scope(() => orm.insert('with'))
      await stage.cluster.caughtUp()
      await stage.scope(() => stage.writes(() => orm.withUpdate!(id, 'with, after')))
      expect(await stage.bodies('with')).toEqual(['with, after'])
    },
  },
  {
    title: 'FOR UPDATE and FOR SHARE outside a transaction go to the primary',
    needs: 'lock',
    run: async (stage, orm) => {
      for (const strength of ['update', 'share'] as const) {
        await stage.scope(async () => {
          expectReplica(stage, (await orm.seen(1)).node)
          const seen = await stage.writes(() => orm.lock!(1, strength))
          expect(seen).toMatchObject({ id: 1, node: 'primary' })
        })
      }
    },
  },
  {
    title: 'a sequence is advanced on the primary',
    needs: 'nextval',
    not: { mysql: 'MySQL has no sequences' },
    run: async (stage, orm) => {
      const next = (): Promise<number> => stage.scope(() => stage.writes(() => orm.nextval!()))
      const first = await next()
      expect(await next()).toBe(first + 1)
      const [row] = await stage.onPrimary('SELECT last_value::int AS n FROM orm_sequence')
      expect(row).toEqual({ n: first + 1 })
    },
  },
  {
    title: 'a function that writes, of which nobody knew, writes once, on the primary',
    needs: 'writingFunction',
    surprising: true,
    run: async (stage, orm) => {
      const refused = stage.refused()
      await stage.scope(() => orm.writingFunction!('by a function'))
      expect(await stage.bodies('by a function')).toEqual(['by a function'])
      expect(stage.refused() - refused, 'a replica refused it at most once').toBeLessThanOrEqual(1)
      const known = stage.refused()
      await stage.scope(() => orm.writingFunction!('by a function'))
      expect(stage.refused(), 'now it is known').toBe(known)
    },
  },
  {
    title: 'DDL goes to the primary',
    needs: 'createTable',
    run: async (stage, orm) => {
      await stage.scope(() => stage.writes(() => orm.createTable!()))
      expect(await stage.hasTable('orm_made')).toBe(true)
    },
  },
  {
    title: 'TRUNCATE goes to the primary',
    needs: 'truncate',
    run: async (stage, orm) => {
      const scratch = `${stage.dialect === 'mysql' ? 'app.' : ''}orm_scratch`
      await stage.onPrimary(`INSERT INTO ${scratch} VALUES (1), (2)`)
      await stage.scope(() => stage.writes(() => orm.truncate!()))
      expect(await stage.onPrimary(`SELECT id FROM ${scratch}`)).toEqual([])
    },
  },
  {
    title: 'migrations run on the primary, once, with their bookkeeping',
    needs: 'migrate',
    run: (stage, orm) =>
      // Bookkeeping that was read from a replica would be read too early here.
      stage.whilePaused(async () => {
        await stage.scope(() => stage.writes(() => orm.migrate!()))
        expect(await stage.hasTable('orm_migrated')).toBe(true)
        await stage.scope(() => orm.migrate!())
      }),
  },
]
