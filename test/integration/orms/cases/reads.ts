import { expect } from 'vitest'
import type { OpenOrm, Seen } from '../orm-under-test'
import { NOTES } from '../schema'
import type { Stage } from '../stage'
import { expectReplica, type Case } from './case'

const FIRST = { id: 1, body: 'note 1' }

export const reads: readonly Case[] = [
  {
    title: 'six reads of one scope are on one replica',
    run: async (stage, orm) => {
      for (let time = 0; time < 5; time++) {
        const seen = await stage.scope(async () => [
          await orm.seen(1),
          await orm.seen(2),
          await orm.seen(3),
          ...(await Promise.all([orm.seen(1), orm.seen(2), orm.seen(3)])),
        ])
        expect(seen[0]).toMatchObject(FIRST)
        const nodes = [...new Set(seen.map(({ node }) => node))]
        expect(nodes).toHaveLength(1)
        expectReplica(stage, nodes[0]!)
      }
    },
  },
  {
    title: 'reads of many scopes reach every replica, also one at a time',
    run: async (stage, orm) => {
      const nodes = new Set<string>()
      for (let scope = 0; scope < 40; scope++) nodes.add((await stage.scope(() => orm.seen(1))).node)
      expect([...nodes].sort()).toEqual([...stage.replicaIds].sort())
    },
  },
  {
    title: 'a read as raw SQL is on the replica of the scope',
    needs: 'rawSeen',
    run: (stage, orm) => onPinned(stage, orm, async () => [await orm.rawSeen!(1)]),
  },
  {
    title: 'a prepared statement runs again and again, on the replica of each scope',
    needs: 'prepared',
    run: async (stage, orm) => {
      for (let scope = 0; scope < 4; scope++) {
        await onPinned(stage, orm, async () => [
          await orm.prepared!(1),
          await orm.prepared!(1),
          await orm.prepared!(1),
        ])
      }
      expect(await stage.scope(() => orm.prepared!(2))).toMatchObject({ id: 2, body: 'note 2' })
    },
  },
  {
    title: 'a relation is loaded from the replica of the scope',
    needs: 'authors',
    run: async (stage, orm) => {
      await stage.scope(async () => {
        const { node } = await orm.seen(1)
        const authors = await orm.authors!()
        expect(authors.map(({ name }) => name)).toEqual(['Ada', 'Grace'])
        expect(authors.map(({ notes }) => notes.map(({ id }) => id).sort((a, b) => a - b))).toEqual([
          [1, 2, 3],
          [4, 5, 6],
        ])
        const nodes = authors.flatMap((author) => [author.node, ...author.notes.map((note) => note.node)])
        expect([...new Set(nodes)]).toEqual([node])
        expectReplica(stage, node)
      })
    },
  },
  {
    title: 'a stream comes from the replica of the scope',
    needs: 'stream',
    run: (stage, orm) =>
      onPinned(stage, orm, async () => {
        const all: Seen[] = []
        for await (const row of orm.stream!()) all.push(row)
        expect(all.length).toBeGreaterThanOrEqual(NOTES)
        return all.sort((a, b) => a.id - b.id)
      }),
  },
  {
    title: 'a stream that is left half way gives its connection back',
    needs: 'leavesStreams',
    run: async (stage, orm) => {
      for (let time = 0; time < 12; time++) {
        await stage.scope(async () => {
          let rows = 0
          for await (const row of orm.stream!()) {
            expectReplica(stage, row.node)
            if (++rows === 5) break
          }
          expect(rows).toBe(5)
        })
      }
      await stage.expectNothingHeld()
      expectReplica(stage, (await stage.scope(() => orm.seen(1))).node)
    },
  },
]

/** What `fn` reads, the first note first, comes from the replica of the scope. */
async function onPinned(stage: Stage, orm: OpenOrm, fn: () => Promise<readonly Seen[]>): Promise<void> {
  await stage.scope(async () => {
    const { node } = await orm.seen(1)
    expectReplica(stage, node)
    const seen = await fn()
    expect(seen[0]).toMatchObject(FIRST)
    expect([...new Set(seen.map((row) => row.node))]).toEqual([node])
  })
}
