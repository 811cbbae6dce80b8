import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { gate, stage } from './web-stage'

const REFUSED = { code: 'ERR_READ_ONLY' }

/** Runs what is given as scopes that take turns: each `await turn()` lets all the others go one step. */
async function interleaved(
  scope: (fn: () => Promise<void>) => Promise<void>,
  bodies: readonly ((turn: () => Promise<void>) => Promise<void>)[],
): Promise<void> {
  let [waiting, round] = [0, gate()]
  let alive = bodies.length
  const step = (): void => {
    if (waiting < alive) return
    const { open } = round
    ;[waiting, round] = [0, gate()]
    open()
  }
  const turn = async (): Promise<void> => {
    waiting++
    const { opened } = round
    step()
    await opened
  }
  const run = async (body: (turn: () => Promise<void>) => Promise<void>): Promise<void> => {
    try {
      await scope(() => body(turn))
    } finally {
      alive--
      step()
    }
  }
  await Promise.all(bodies.map(run))
}

describe('what a request asks for stays its own, when requests take turns', () => {
  it('R11: read only does not leak into two others beside it', async () => {
    const { router, query } = stage()
    const write = (): Promise<unknown> => query('DELETE FROM t')
    const plain = async (turn: () => Promise<void>): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        expect(await write()).toBe('default:primary')
        await turn()
      }
    }
    await interleaved(
      (fn) => router.scope(fn),
      [
        plain,
        (turn) =>
          router.with({ readOnly: true }, async () => {
            for (let round = 0; round < 3; round++) {
              await expect(write()).rejects.toMatchObject(REFUSED)
              await turn()
            }
          }),
        plain,
      ],
    )
    expect(await write()).toBe('default:primary')
  })

  it('R14: four levels deep, each is what it was when those inside it are over', async () => {
    const { router, query } = stage()
    const levels = [
      [{ reads: 'primary' }, /^default:primary$/],
      [{ reads: 'replica' }, /^default:replica/],
      [{ alias: 'users', reads: 'primary' }, /^users:primary$/],
      [{ reads: 'prefer-replica' }, /^users:replica/],
    ] as const
    const dive = async (depth: number, turn: () => Promise<void>): Promise<void> => {
      const level = levels[depth]
      if (level === undefined) return
      const [options, place] = level
      await router.with(options, async () => {
        expect(await query('SELECT 1')).toMatch(place)
        await turn()
        await dive(depth + 1, turn)
        await turn()
        expect(await query('SELECT 1')).toMatch(place)
      })
    }
    const body = async (turn: () => Promise<void>): Promise<void> => {
      await dive(0, turn)
      expect(await query('SELECT 1')).toMatch(/^default:replica/)
    }
    const late = async (turn: () => Promise<void>): Promise<void> => {
      await turn()
      await body(turn)
    }
    await interleaved((fn) => router.scope(fn), [body, late, body])
  })

  it('R22: each has a stack of its own', async () => {
    const { router, query, here } = stage()
    const bodies = ['users', 'default', 'users:primary', 'default:primary'].map(
      (alias) => async (turn: () => Promise<void>) => {
        const before = here()
        await turn()
        await router.with({ alias }, async () => {
          for (let round = 0; round < 3; round++) {
            expect(await query('SELECT 1')).toMatch(alias)
            await turn()
          }
        })
        await turn()
        expect(here()).toBe(before)
      },
    )
    await interleaved((fn) => router.scope(fn), bodies)
  })

  describe('M12: the primary, as a frame and around a function,', () => {
    const decorated =
      (router: ReturnType<typeof stage>['router'], fn: () => Promise<void>) => (): Promise<void> =>
        router.primary(fn)

    it('gives back what was there: reads of replicas, or of the primary, also by an exception', async () => {
      const { router, query } = stage()
      const onPrimary = async (): Promise<void> => {
        expect(await query('SELECT 1')).toBe('default:primary')
      }
      const failing = async (): Promise<void> => {
        await onPrimary()
        throw new Error('own')
      }
      for (const ways of [
        () => router.primary(onPrimary),
        decorated(router, onPrimary),
        () => expect(router.primary(failing)).rejects.toThrow('own'),
        () => expect(decorated(router, failing)()).rejects.toThrow('own'),
      ]) {
        await router.scope(async () => {
          await ways()
          expect(await query('SELECT 1')).toMatch(/replica/)
          await router.primary(async () => {
            await ways()
            await router.primary(async () => {
              await router.primary(ways)
              await onPrimary()
            })
            await onPrimary()
          })
          expect(await query('SELECT 1')).toMatch(/replica/)
        })
      }
    })

    it('gives each of two beside each other back its own', async () => {
      const { router, query } = stage()
      const body =
        (around: RegExp) =>
        async (turn: () => Promise<void>): Promise<void> => {
          expect(await query('SELECT 1')).toMatch(around)
          await turn()
          await router.primary(async () => {
            await turn()
            expect(await query('SELECT 1')).toBe('default:primary')
          })
          await turn()
          expect(await query('SELECT 1')).toMatch(around)
        }
      await interleaved(
        (fn) => router.scope(fn),
        [body(/replica/), (turn) => router.primary(() => body(/primary/)(turn))],
      )
      // And in one scope: branches that were entered before and after.
      await router.scope(() =>
        interleaved((fn) => fn(), [body(/replica/), (turn) => router.primary(() => body(/primary/)(turn))]),
      )
    })
  })

  it('K24: what one has written makes no other read from the primary', async () => {
    const { router, query } = stage()
    const writer = async (turn: () => Promise<void>): Promise<void> => {
      await turn()
      await query('UPDATE t SET a = 1')
      await turn()
      expect(await query('SELECT 1')).toBe('default:primary')
    }
    const reader = async (turn: () => Promise<void>): Promise<void> => {
      const first = await query('SELECT 1')
      expect(first).toMatch(/replica/)
      for (let round = 0; round < 3; round++) {
        await turn()
        expect(await query('SELECT 1')).toBe(first)
      }
    }
    await interleaved((fn) => router.scope(fn), [reader, writer, reader])
    expect(await query('SELECT 1')).toMatch(/replica/)
    await router.scope(() => reader(() => Promise.resolve()))
  })
})

describe('what crosses requests', () => {
  /** As pools are: whoever gives back calls the next in the queue. */
  class Turnstile {
    #busy = false
    readonly #queue: (() => void)[] = []

    enter(callback: () => void): void {
      if (this.#busy) {
        this.#queue.push(callback)
        return
      }
      this.#busy = true
      callback()
    }

    leave(): void {
      this.#busy = false
      const next = this.#queue.shift()
      if (next !== undefined) this.enter(next)
    }
  }

  it('a queue that is awaited leads each back into its own scope', async () => {
    const { router, here, query } = stage()
    const turnstile = new Turnstile()
    const scopes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        router.scope(async () => {
          const scope = here()
          await new Promise<void>((entered) => {
            turnstile.enter(entered)
          })
          expect(here()).toBe(scope)
          if (index % 2 === 0) await query('UPDATE t SET a = 1')
          expect(await query('SELECT 1')).toBe(index % 2 === 0 ? 'default:primary' : scope)
          turnstile.leave()
          return scope
        }),
      ),
    )
    expect(new Set(scopes).size).toBe(20)
  })

  it('a queue that calls back does so as whoever gives back, unless the callback is bound', () => {
    const { router, here } = stage()
    const turnstile = new Turnstile()
    const seen: Record<string, string> = {}
    const own: Record<string, string> = {}
    turnstile.enter(() => undefined)
    for (const id of ['plain', 'bound']) {
      router.scope(() => {
        own[id] = here()
        const callback = (): void => {
          seen[id] = here()
          turnstile.leave()
        }
        turnstile.enter(id === 'bound' ? router.bind(callback) : callback)
      })
    }
    const giver = router.scope(() => {
      turnstile.leave()
      return here()
    })
    expect(seen).toEqual({ plain: giver, bound: own['bound'] })
  })

  it('bind keeps frames, arguments, this, what is returned and what is thrown', async () => {
    const { router, query } = stage()
    const bus = new EventEmitter()
    const heard: unknown[] = []
    await router.scope(() =>
      router.with({ readOnly: true }, async () => {
        bus.on(
          'event',
          router.bind(function (this: EventEmitter, ...given: number[]) {
            heard.push(
              this === bus,
              given,
              query('DELETE FROM t').catch((error: unknown) => error),
            )
          }),
        )
        await Promise.resolve()
      }),
    )
    await router.scope(async () => {
      bus.emit('event', 1, 2)
      expect(await query('DELETE FROM t')).toBe('default:primary')
    })
    const [self, given, refused] = heard
    expect([self, given]).toEqual([true, [1, 2]])
    expect(await refused).toMatchObject(REFUSED)
    expect(router.bind((a: number, b: number) => a + b)(1, 2)).toBe(3)
    expect(
      router.bind(() => {
        throw new Error('own')
      }),
    ).toThrow('own')
  })

  it('what is bound outside all scopes runs outside them', () => {
    const { router, here, outside } = stage()
    const bound = router.bind(here)
    router.scope(() => {
      expect(here()).not.toBe(outside)
      expect(bound()).toBe(outside)
    })
  })

  it('timers belong to who set them, and outlive the scope without harm', async () => {
    const { router, here } = stage()
    const scopes = Array.from({ length: 10 }, () =>
      router.scope(() => {
        const scope = here()
        const later = gate<string>()
        let rounds = 0
        const timer = setInterval(() => {
          if (++rounds < 3) return
          clearInterval(timer)
          setImmediate(() => {
            process.nextTick(() => {
              later.open(here())
            })
          })
        }, 1)
        return { scope, later: later.opened }
      }),
    )
    for (const { scope, later } of scopes) expect(await later).toBe(scope)
    expect(new Set(scopes.map(({ scope }) => scope)).size).toBe(10)
  })

  it('a stream that two requests read belongs to neither: each piece is read where it is awaited', async () => {
    const { router, here } = stage()
    const stream = new Readable({ objectMode: true, read: () => undefined })
    const reader = async (): Promise<string[]> => {
      const seen = [here()]
      for (let round = 0; round < 3; round++) {
        await once(stream, 'data')
        seen.push(here())
      }
      return seen
    }
    const reading = [router.scope(reader), router.scope(reader)]
    for (let round = 0; round < 3; round++) {
      router.scope(() => stream.push(round))
      await new Promise(setImmediate)
    }
    const [a, b] = await Promise.all(reading)
    expect([new Set(a).size, new Set(b).size]).toEqual([1, 1])
    expect(a![0]).not.toBe(b![0])
  })
})
