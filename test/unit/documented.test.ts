import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../src'

const errors = readFileSync(path.join(__dirname, '../../docs/errors.md'), 'utf8')

describe('docs/errors.md', () => {
  it('explains every error code, and no other', () => {
    const documented = [...errors.matchAll(/^\| `(ERR_[A-Z_]+)`/gm)].map(([, code]) => code)
    expect(documented.sort()).toEqual(Object.keys(ERROR_CODES).sort())
  })

  it('explains every warning', () => {
    expect(errors).toMatch(/^\| `SPLITPOOL_WRITABLE_REPLICA`/m)
  })
})
