import { expect } from 'vitest'
import { expectReplica, type Case } from './case'

export const ends: readonly Case[] = [
  {
    title: "an error of SQL is the ORM's own, and everything works afterwards",
    run: async (stage, orm) => {
      for (let time = 0; time < 12; time++) {
        const error: unknown = await stage.scope(() =>
          orm.duplicate(1).then(
            () => 'no error',
            (thrown: unknown) => thrown,
          ),
        )
        expect(orm.isDuplicate(error), String(error)).toBe(true)
      }
      await stage.expectNothingHeld()
      expectReplica(stage, (await stage.scope(() => orm.seen(1))).node)
      const id = await stage.scope(() => orm.insert('after an error'))
      expect(await stage.scope(() => stage.router.primary(() => orm.find(id)))).toMatchObject({ id })
    },
  },
  {
    title: 'fifty scopes at once keep to themselves',
    run: async (stage, orm) => {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          stage.scope(async () => {
            const first = await orm.seen(1)
            expectReplica(stage, first.node)
            if (index % 5 === 0) {
              const id = await orm.insert(`apart ${index}`)
              expect(await orm.seen(id)).toMatchObject({ node: 'primary', body: `apart ${index}` })
            } else {
              expect((await orm.seen(2)).node).toBe(first.node)
            }
          }),
        ),
      )
      expect(await stage.bodies('apart')).toHaveLength(10)
    },
  },
]
