import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, WARNING_CODES } from '../../src'

const errors = readFileSync(path.join(__dirname, '../../docs/errors.md'), 'utf8')

describe('docs/errors.md', () => {
  it('explains every error code, and no other', () => {
    const documented = [...errors.matchAll(/^\| `(ERR_[A-Z_]+)`/gm)].map(([, code]) => code)
    expect(documented.sort()).toEqual(Object.keys(ERROR_CODES).sort())
  })

  it('explains every warning, and no other', () => {
    const documented = [...errors.matchAll(/^\| `(SPLITPOOL_[A-Z_]+)`/gm)].map(([, code]) => code)
    expect(documented.sort()).toEqual([...WARNING_CODES].sort())
  })
})

describe('the documents', () => {
  const root = path.join(__dirname, '../..')
  const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)]

  it.each(pages)('%s names files that exist', (page) => {
    const text = readFileSync(path.join(root, page), 'utf8')
    const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, to]) =>
      path.join(path.dirname(page), to!),
    )
    const named = [...text.matchAll(/`((?:src|test|bench|examples|docs)\/[^`*]+)`/g)].map(([, file]) => file!)
    for (const file of [...links, ...named]) expect(existsSync(path.join(root, file)), file).toBe(true)
  })
})
