import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  createRouter,
  SplitpoolError,
  type DatabaseRouter,
  type Decision,
  type FrameOptions,
  type Router,
  type RouterOptions,
} from '../../src'
import { fakeDatabase, type FakeNode, type FakeOptions, type FakePool } from '../../src/testing/fake-database'
import { decisionsOf } from './decisions-of'

type Answers = Record<string, string | false>

interface SetupDatabase extends Pick<FakeOptions, 'primary' | 'reads' | 'readFrom' | 'dialect'> {
  /** How many, or what each is given. */
  readonly replicas: number | NonNullable<FakeOptions['replicas']>
}

interface Setup {
  readonly databases: Record<string, SetupDatabase>
  readonly options?: Pick<RouterOptions, 'mode' | 'rollout' | 'readFrom'>
  readonly models?: Record<string, { table: string; bind?: string }>
  readonly routers?: { dbForRead?: Answers; dbForWrite?: Answers }[]
}

interface Case {
  readonly name: string
  readonly router: string
  readonly sql: string
  readonly pool?: string
  readonly model?: string
  readonly alias?: string
  readonly frames?: (string | FrameOptions)[]
  readonly wrote?: string[]
  readonly open?: string[]
  readonly around?: boolean
  readonly inside?: { alias: string; readOnly?: boolean }
  readonly pinned?: Record<string, string>
  readonly then: Partial<Decision> & { error?: string; says?: string }
}

const file = path.join(__dirname, '../cases/routing.yaml')
const { routers, cases } = parse(readFileSync(file, 'utf8')) as {
  routers: Record<string, Setup>
  cases: Case[]
}

function routerOf({ databases, options, models, routers: chain }: Setup, pinned: readonly string[]): Router {
  const nodes = new Map<string, FakeNode>()
  return createRouter({
    databases: Object.fromEntries(
      Object.entries(databases).map(([alias, { replicas, ...database }]) => [
        alias,
        fakeDatabase(nodes, {
          ...database,
          replicas: typeof replicas === 'number' ? Array.from({ length: replicas }, () => ({})) : replicas,
        }),
      ]),
    ),
    ...options,
    balancer: { pick: (candidates) => candidates.find(({ id }) => pinned.includes(id)) ?? candidates[0]! },
    ...(models === undefined ? {} : { models }),
    routers: (chain ?? []).map((answers) => {
      const router: DatabaseRouter = {}
      for (const method of ['dbForRead', 'dbForWrite'] as const) {
        const given = answers[method]
        if (given !== undefined) router[method] = (model) => given[model.name ?? model.table]
      }
      return router
    }),
  })
}

/** Brings the scope into the state that the case describes, by the statements that lead there. */
async function prepare(router: Router, { wrote = [], open = [], pinned = {} }: Case): Promise<void> {
  for (const alias of Object.keys(pinned)) router.explain('SELECT 1', { alias })
  for (const alias of wrote) await (router.pool(alias) as FakePool).query('DELETE FROM anything')
  for (const alias of open) await (router.pool(alias) as FakePool).connect().query('BEGIN')
}

async function decide(router: Router, each: Case): Promise<Decision> {
  const { sql, pool, model, alias, frames = [], inside, around = false } = each
  const ask = async (): Promise<Decision> => {
    if (pool === undefined) {
      return router.explain(sql, {
        ...(model === undefined ? {} : { model }),
        ...(alias === undefined ? {} : { alias }),
      })
    }
    return (await decisionsOf(() => (router.pool(pool) as FakePool).query(sql))).at(-1)!
  }
  const framed = (inner: () => Promise<Decision>): (() => Promise<Decision>) =>
    frames.reduceRight(
      (within, frame) => async () => {
        if (typeof frame !== 'string') return await router.with(frame, within)
        return await (frame === 'primary' ? router.primary(within) : router.using(frame, within))
      },
      inner,
    )
  if (inside === undefined) return await framed(ask)()
  const transaction = (fn: () => Promise<Decision>) => () => router.transaction(fn, inside)
  return await (around ? framed(transaction(ask)) : transaction(framed(ask)))()
}

describe('which database, which role', () => {
  it.each(cases)('$name ($router: $sql)', async (each) => {
    const router = routerOf(routers[each.router]!, Object.values(each.pinned ?? {}))
    const run = router.scope(async () => {
      await prepare(router, each)
      return await decide(router, each)
    })
    const { error, says, ...decision } = each.then
    if (error === undefined) {
      const result = await run
      expect(result).toMatchObject(decision)
      expect(result.reason).not.toBe('')
      expect(result.nodeId).toMatch(new RegExp(`^${result.alias}:`))
    } else {
      const thrown: unknown = await run.catch((reason: unknown) => reason)
      expect(thrown).toBeInstanceOf(SplitpoolError)
      expect(thrown).toMatchObject({ code: error })
      expect((thrown as Error).message).toMatch(new RegExp(says ?? ''))
    }
  })
})
