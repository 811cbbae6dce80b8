import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = path.join(__dirname, '../../src')

/** What the files of each folder may import from outside it, types included. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  dialects: ['statement'],
  statement: ['dialects'],
  routing: ['statement', 'dialects', 'balancing', 'errors'],
  nodes: ['routing'],
  balancing: ['routing', 'nodes', 'errors'],
  scope: ['routing', 'execution', 'balancing', 'refuse'],
  consistency: ['scope', 'statement'],
  observe: ['routing', 'statement'],
  execution: [
    'adapters',
    'consistency',
    'dialects',
    'nodes',
    'observe',
    'routing',
    'scope',
    'statement',
    'errors',
    'refuse',
  ],
  web: ['router', 'scope', 'routing', 'errors', 'refuse'],
  adapters: ['database', 'dialects', 'routing', 'refuse', 'errors'],
}

function filesIn(folder: string): string[] {
  return readdirSync(path.join(SRC, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => path.posix.join(folder, name))
}

/** What a file imports, as paths below src or as package names; `import type` is left out on request. */
function importsOf(file: string, { types }: { types: boolean }): string[] {
  const text = readFileSync(path.join(SRC, file), 'utf8')
  return [...text.matchAll(/^(?:import|export) (type )?[^'"]*?from '([^']+)'/gm)]
    .filter(([, type]) => types || type === undefined)
    .map(([, , from]) => from!)
    .map((from) => (from.startsWith('.') ? path.posix.join(path.posix.dirname(file), from) : from))
}

describe('the layout', () => {
  it.each(['routing', 'statement', 'balancing'])(
    '%s decides: no clock, no timer, no driver, no event',
    (folder) => {
      for (const file of filesIn(folder)) {
        const text = readFileSync(path.join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        expect(text, file).not.toMatch(
          /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now|Math\.random)\b/,
        )
        for (const from of importsOf(file, { types: false })) {
          expect(from, file).toMatch(/^(routing|statement|balancing|dialects|errors|lru-cache|node:crypto$)/)
        }
      }
    },
  )

  it('imports one way: router → the folders → errors', () => {
    for (const file of filesIn('.')) {
      const folder = file.includes('/') ? file.slice(0, file.indexOf('/')) : null
      if (folder === null || folder === 'testing') continue
      for (const from of importsOf(file, { types: true }).filter(
        (name) => !/^(node:|pg\b|mysql2\b|knex\b|fastify$|lru-cache)/.test(name),
      )) {
        const to = from.includes('/') ? from.slice(0, from.indexOf('/')) : from
        expect([folder, ...ALLOWED[folder]!], `${file} imports ${from}`).toContain(to)
      }
    }
  })

  it('knows drivers in adapters alone', () => {
    for (const file of filesIn('.').filter((name) => !name.startsWith('adapters/'))) {
      for (const from of importsOf(file, { types: true }))
        expect(from, file).not.toMatch(/^(pg|mysql2|knex)\b/)
    }
  })

  it('reaches adapters from outside through their contract only', () => {
    for (const file of filesIn('.').filter((name) => !/^(adapters|testing)\//.test(name))) {
      for (const from of importsOf(file, { types: true })) {
        if (from.startsWith('adapters/')) expect(from, file).toBe('adapters/adapter')
      }
    }
  })

  it('is put together in create-router alone', () => {
    for (const file of filesIn('.').filter((name) => name !== 'index.ts')) {
      if (importsOf(file, { types: false }).includes('router')) expect(file).toBe('create-router.ts')
    }
  })
})
