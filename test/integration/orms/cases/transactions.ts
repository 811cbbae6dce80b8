import { expect } from 'vitest'
import type { Handle } from '../orm-under-test'
import { expectReplica, type Case } from './case'

export const transactions: readonly Case[] = [
  {
    title: 'a transaction is one connection of the primary, and reads in it see what it wrote',
    needs: 'transaction',
    run: (stage, orm) =>
      stage.whilePaused(async () => {
        const { id, pids } = await stage.scope(async () => {
          expectReplica(stage, (await orm.seen(1)).node)
          return await orm.transaction!(async (tx) => {
            const before = await tx.seen(1)
            const id = await stage.writes(() => tx.insert('in a transaction'))
            expect(await tx.find(id)).toEqual({ id, body: 'in a transaction' })
            await tx.update(id, 'in a transaction, after')
            const after = await tx.seen(id)
            expect(after).toMatchObject({ body: 'in a transaction, after', node: 'primary' })
            expect(before.node).toBe('primary')
            expect(await stage.bodies('in a transaction'), 'nothing is committed yet').toEqual([])
            return { id, pids: [before.pid, after.pid] }
          })
        })
        expect(pids[0]).toBe(pids[1])
        expect(await stage.bodies('in a transaction')).toEqual(['in a transaction, after'])
        expect(await stage.scope(() => orm.find(id)), 'a replica that stands still').toBeNull()
      }),
  },
  {
    title: 'what a transaction has committed its scope reads at once',
    needs: 'transaction',
    run: (stage, orm) =>
      stage.whilePaused(() =>
        stage.scope(async () => {
          const id = await orm.transaction!((tx) => tx.insert('committed'))
          expect(await orm.find(id)).toEqual({ id, body: 'committed' })
          expect(await orm.seen(id)).toMatchObject({ node: 'primary' })
        }),
      ),
  },
  {
    title: 'an error inside a transaction rolls all of it back',
    needs: 'transaction',
    run: async (stage, orm) => {
      const own = new Error('changed my mind')
      const failing = stage.scope(() =>
        orm.transaction!(async (tx) => {
          await tx.insert('rolled back 1')
          await tx.insert('rolled back 2')
          throw own
        }),
      )
      await expect(failing).rejects.toBe(own)
      expect(await stage.bodies('rolled back')).toEqual([])
      await stage.expectNothingHeld()
    },
  },
  {
    title: 'an error of the server inside a transaction rolls all of it back, and the next one works',
    needs: 'transaction',
    run: async (stage, orm) => {
      const error: unknown = await stage
        .scope(() =>
          orm.transaction!(async (tx) => {
            await tx.insert('refused')
            await tx.insert('x'.repeat(101))
          }),
        )
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(await stage.bodies('refused')).toEqual([])
      await stage.scope(() => orm.transaction!((tx) => tx.insert('accepted')))
      expect(await stage.bodies('accepted')).toEqual(['accepted'])
    },
  },
  {
    title: "the outer handle used inside a transaction never reads a replica's past",
    needs: 'transaction',
    run: (stage, orm) =>
      stage.whilePaused(() =>
        stage.scope(async () => {
          await stage.onPrimary(
            `UPDATE ${stage.dialect === 'mysql' ? 'app.' : ''}orm_notes SET body = 'newer' WHERE id = 10`,
          )
          await orm.transaction!(async (tx) => {
            expect(await tx.find(10)).toEqual({ id: 10, body: 'newer' })
            expect(await orm.find(10)).toEqual({ id: 10, body: 'newer' })
            expect(await orm.seen(10)).toMatchObject({ node: 'primary' })
          })
          expectReplica(stage, (await orm.seen(1)).node)
        }),
      ),
  },
  {
    title: 'a nested transaction is a savepoint: its failure leaves the outer one whole',
    needs: 'nested',
    run: async (stage, orm) => {
      const own = new Error('inner')
      const nestable = (orm.nestable ?? orm.transaction)!
      const { pids } = await stage.scope(() =>
        nestable(async (tx) => {
          await tx.insert('nested: outer')
          const kept = await tx.nested!(async (inner) => {
            await inner.insert('nested: kept')
            return await inner.seen(1)
          })
          await expect(
            tx.nested!(async (inner) => {
              await inner.insert('nested: dropped')
              throw own
            }),
          ).rejects.toBe(own)
          const after = await tx.seen(1)
          expect([kept.node, after.node]).toEqual(['primary', 'primary'])
          return { pids: [kept.pid, after.pid] }
        }),
      )
      expect(pids[0], 'it is the same connection').toBe(pids[1])
      expect(await stage.bodies('nested')).toEqual(['nested: outer', 'nested: kept'])
    },
  },
  {
    title: 'a transaction that is declared read only runs on a replica, whole',
    needs: 'readOnly',
    run: async (stage, orm) => {
      await stage.scope(async () => {
        const [first, second] = await orm.readOnly!(
          async (tx) => [await tx.seen(1), await tx.seen(2)] as const,
        )
        expectReplica(stage, first.node)
        expect(second).toMatchObject({ node: first.node, pid: first.pid })
        await expect(orm.readOnly!((tx) => tx.insert('read only'))).rejects.toThrow()
      })
      expect(await stage.bodies('read only')).toEqual([])
    },
  },
  {
    title: "what the ORM reads in a router.transaction is never a replica's past",
    run: (stage, orm) =>
      stage.scope(async () => {
        await stage.router.transaction(async () => {
          expect(await orm.seen(1)).toMatchObject({ node: 'primary' })
        })
        expectReplica(stage, (await orm.seen(1)).node)
      }),
  },
  {
    title: 'router.transaction takes in what the ORM does in it',
    needs: 'joins',
    run: async (stage, orm) => {
      const joining = async (handle: Handle): Promise<void> => {
        const id = await handle.insert('joined')
        expect(await handle.find(id)).toEqual({ id, body: 'joined' })
        expect(await handle.seen(id)).toMatchObject({ node: 'primary' })
        expect(await stage.bodies('joined')).toEqual([])
        throw new Error('out again')
      }
      const joined = stage.scope(() => stage.router.transaction(() => joining(orm)))
      await expect(joined).rejects.toThrow('out again')
      expect(await stage.bodies('joined')).toEqual([])
    },
  },
  {
    title: 'a borrowed connection reads from a replica and writes to the primary',
    needs: 'connection',
    run: (stage, orm) =>
      stage.whilePaused(() =>
        stage.scope(() =>
          orm.connection!(async (borrowed) => {
            expectReplica(stage, (await borrowed.seen(1)).node)
            const id = await stage.writes(() => borrowed.insert('borrowed'))
            expect(await borrowed.find(id)).toEqual({ id, body: 'borrowed' })
            expect(await borrowed.seen(id)).toMatchObject({ node: 'primary' })
          }),
        ),
      ),
  },
]
