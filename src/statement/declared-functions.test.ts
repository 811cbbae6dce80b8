import { describe, expect, it } from 'vitest'
import { declaredFunctions } from './declared-functions'

describe('declaredFunctions', () => {
  it('is nothing where nothing is declared', () => {
    expect(declaredFunctions(undefined)).toBeUndefined()
    expect(declaredFunctions({})).toBeUndefined()
    expect(declaredFunctions({ write: [], read: [], strict: false })).toBeUndefined()
    expect(declaredFunctions({ strict: true })).toBeDefined()
  })

  it('takes a function for a writer if its name can be the declared one', () => {
    const declared = declaredFunctions({ write: ['bump', 'App.Log', '"q"."Name"', '`b`'] })!
    for (const path of ['bump', 'any.bump', 'app.log', 'log', 'q.name', 'name', 'b']) {
      expect(declared.writes(path.split('.')), path).toBe(true)
    }
    for (const path of ['bumper', 'other.log', 'bump.other', 'q', '']) {
      expect(declared.writes(path.split('.')), path).toBe(false)
    }
  })

  it('takes a function for a reader only if its name is the declared one', () => {
    const declared = declaredFunctions({ read: ['price', 'app.total'] })!
    for (const path of ['price', 'any.price', 'app.total'])
      expect(declared.reads(path.split('.')), path).toBe(true)
    for (const path of ['total', 'other.total', 'prices'])
      expect(declared.reads(path.split('.')), path).toBe(false)
  })

  it('passes over names that are none', () => {
    const declared = declaredFunctions({ write: ['', '.', ' bump '] })!
    expect(declared.writes(['bump'])).toBe(true)
    expect(declared.writes([''])).toBe(false)
  })
})
