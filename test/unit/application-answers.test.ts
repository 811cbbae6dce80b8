import { describe, expect, it } from 'vitest'
import {
  affinity,
  createRouter,
  hashRouter,
  type Router,
  type RouterOptions,
  type ScopeAttributes,
} from '../../src'
import { whatCame } from '../../src/routing/what-came'
import { fakeDatabase, type FakeNode, type FakePool } from '../../src/testing/fake-database'
import { seededRandom } from '../conformance/seeded-random'

const ids = ['default:replica-1', 'default:replica-2', 'default:replica-3']

function made(options: Partial<RouterOptions>): Router {
  const nodes = new Map<string, FakeNode>()
  const replicas = ids.map(() => ({}))
  return createRouter({
    databases: { default: fakeDatabase(nodes, { replicas }) },
    random: seededRandom(8),
    ...options,
  })
}

function read(router: Router): Promise<unknown> {
  return (router.pool('default') as FakePool).query('SELECT * FROM t')
}

const late = (): Promise<never> => Promise.reject(new Error('late'))

/** What rejections nobody has heard of when `fn` is done. */
async function unheard(fn: () => Promise<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  const listen = (error: unknown): number => found.push(error)
  process.on('unhandledRejection', listen)
  await fn()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', listen)
  return found
}

const key = (attributes: ScopeAttributes): unknown => attributes['key']

describe.each<[string, Partial<RouterOptions>]>([
  ['affinity', { balancer: affinity(key) }],
  ['rollout', { rollout: { share: 0.5, key } }],
])('the key of %s', (name, options) => {
  /** Where scopes of one key read: by rule or by node. */
  const places = (given: unknown): string[] => {
    const router = made(options)
    return Array.from({ length: 12 }, () =>
      router.scope(
        () => {
          const { rule, nodeId } = router.explain('SELECT 1')
          return name === 'rollout' ? rule : nodeId
        },
        { attributes: { key: given } },
      ),
    )
  }

  it.each<[unknown]>([['ann'], [''], [7], [0], [-0], [7n], [Infinity], [1e21]])('%o is one', (given) => {
    expect(new Set(places(given)).size).toBe(1)
    expect(places(given)).toEqual(places(String(given)))
  })

  it.each<[unknown]>([[undefined], [null]])('%o is none, and leaves it to chance', (given) => {
    expect(new Set(places(given)).size).toBeGreaterThan(1)
  })

  it.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['a symbol', Symbol('ann')],
    ['true', true],
    ['an array', ['ann']],
    ['an object', { name: 'ann' }],
    ['an object', new Date(0)],
    ['a function', () => 'ann'],
    ['a promise', Promise.resolve('ann')],
  ])('refuses %s by name', (came, given) => {
    expect(() => places(given)).toThrow(
      expect.objectContaining({
        code: 'ERR_KEY',
        message: `The key of ${name} must be a string, a number, or nothing; its function gave ${came}`,
      }),
    )
  })
})

describe('a promise that is refused', () => {
  it.each<[string, string, Partial<RouterOptions>]>([
    ['of an affinity', 'ERR_KEY', { balancer: affinity(late) }],
    ['of a rollout', 'ERR_KEY', { rollout: { share: 0.5, key: late } }],
    ['of a balancer', 'ERR_BALANCER', { balancer: { pick: late as never } }],
  ])('%s leaves no rejection that nobody hears of', async (_of, code, options) => {
    const router = made(options)
    const heard = unheard(() => expect(read(router)).rejects.toMatchObject({ code }))
    expect(await heard).toEqual([])
    const shadow = made({ ...options, mode: 'shadow' })
    expect(await unheard(() => expect(read(shadow)).resolves.toBe('default:primary'))).toEqual([])
  })

  it('of a hash router leaves none either', async () => {
    const router = made({ routers: [hashRouter({ aliases: ['default'], key: late })] })
    const heard = unheard(() => expect(read(router)).rejects.toMatchObject({ code: 'ERR_KEY' }))
    expect(await heard).toEqual([])
  })

  it('is not run, where it is a query that runs when it is awaited', async () => {
    let runs = 0
    const query = { then: () => runs++, [Symbol.toStringTag]: 'PrismaPromise' }
    expect(whatCame(query)).toBe('a promise')
    await Promise.resolve()
    expect(runs).toBe(0)
  })
})

describe('a balancer that answers with no candidate', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'default:replica-1'],
    ['a number', 0],
    ['NaN', Number.NaN],
    ['an array', []],
    ['an object', {}],
    ['an object with the id "default:primary"', { id: 'default:primary' }],
    ['a promise', Promise.resolve({ id: 'default:replica-1' })],
  ])('is told what came: %s', async (came, answer) => {
    await expect(read(made({ balancer: { pick: () => answer as never } }))).rejects.toMatchObject({
      code: 'ERR_BALANCER',
      message: `The balancer of default must return one of its candidates (${ids.join(', ')}); it returned ${came}`,
    })
  })
})
