import { describe, expect, it } from 'vitest'
import { Contexts } from '../../src/scope/context'
import { fromFrames } from '../../src/scope/frame'

describe('what a function in a scope gives back', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a value', 5],
    ['an object', {}],
    ['a function', (): void => undefined],
    ['what has a then that is no function', { then: 5 }],
    ['a promise', Promise.resolve(5)],
    ['what has one method for then and catch, as commands of mysql2 do', command()],
  ])('is, for %s, the same', (_, given) => {
    const contexts = new Contexts()
    expect(contexts.runInScope(() => given)).toBe(given)
    expect(contexts.runInFrame({}, () => given)).toBe(given)
  })

  it.each([
    ['an object', (then: object) => then],
    ['a function, as the builders of Knex can be', (then: object) => Object.assign(() => undefined, then)],
  ])('is, for %s that runs when it is awaited, a promise of what ran inside', async (_, made) => {
    const contexts = new Contexts()
    const answer = { ran: 0, inScope: false }
    const lazy = made({
      then(this: unknown, done: (answer: object) => void) {
        expect(this).toBe(lazy)
        answer.ran++
        answer.inScope = contexts.inScope
        done(answer)
      },
    })
    const back = contexts.runInScope(() => lazy as PromiseLike<unknown>)
    expect(back).toBeInstanceOf(Promise)
    expect(await back).toEqual({ ran: 1, inScope: true })
    expect(contexts.inScope).toBe(false)
  })

  it('is the failure of what ran inside', async () => {
    const failing: PromiseLike<unknown> = {
      then: (_done, failed) => Promise.reject(new Error('refused')).then(null, failed),
    }
    await expect(new Contexts().runInScope(() => failing)).rejects.toThrow('refused')
  })

  /** Under way as soon as it is made, and not to be awaited. */
  function command(): object {
    const refuse = (): never => {
      throw new Error('not a promise')
    }
    return { then: refuse, catch: refuse }
  }
})

describe('a scope', () => {
  it('begins without the frames and the transaction of the code around it', () => {
    const contexts = new Contexts()
    const transaction = {} as never
    contexts.runInTransaction(transaction, () => {
      contexts.runInFrame({ reads: 'primary' }, () => {
        expect(contexts.current()).toMatchObject({ frame: { reads: 'primary' } })
        expect(contexts.current().transaction).toBe(transaction)
        contexts.runInScope(() => {
          expect(contexts.current()).toMatchObject({ frame: null, transaction: null })
        })
      })
    })
  })

  it('has no database named from outside in a transaction, which has its own', () => {
    const contexts = new Contexts()
    contexts.runInFrame({ target: { alias: 'users', role: null, nodeId: null } }, () => {
      contexts.runInTransaction({} as never, () => {
        expect(fromFrames(contexts.current().frame, 'target')).toBeNull()
      })
    })
  })

  it('is over where code runs outside, and there again after it', () => {
    const contexts = new Contexts()
    const outside = contexts.current()
    contexts.runInScope(() => {
      const inside = contexts.current()
      expect(contexts.outside(() => contexts.current())).toBe(outside)
      expect(contexts.current()).toBe(inside)
    })
    expect(contexts.inScope).toBe(false)
  })
})
