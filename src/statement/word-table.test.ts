import { describe, expect, it } from 'vitest'
import { DIALECTS } from '../dialects/dialect'
import { KEYWORD, type Vocabulary } from '../dialects/vocabulary'
import { rulesOf } from './dialect-rules'
import * as Words from './word-table'
import { WordTable } from './word-table'

const EMPTY: Vocabulary = {
  keywords: '',
  statements: { write: '', session: '' },
  calls: { write: '', session: '', pure: '' },
  grammar: '',
  tables: { write: '', session: '' },
  schemas: { write: '', session: '', system: '' },
  variables: { write: '', session: '' },
  secrets: '',
}

describe('WordTable', () => {
  it('finds words in any case, inside a text', () => {
    const table = new WordTable({
      ...EMPTY,
      keywords: 'select',
      calls: { write: 'nextval', session: '', pure: 'now' },
    })
    const text = new TextEncoder().encode('x SeLeCt NEXTVAL(1)')
    expect(Words.keywordOf(table.find(text, 2, 8))).toBe(KEYWORD.select)
    expect(Words.callEffect(table.find(text, 9, 16))).toBe(Words.WRITE)
    expect(table.get('now') & Words.PURE).not.toBe(0)
    expect(table.find(text, 2, 7)).toBe(0)
    expect(table.find(text, 0, 1)).toBe(0)
    expect(table.find(text, 0, 0)).toBe(0)
    expect(table.get('x'.repeat(1000))).toBe(0)
    expect(table.get('名前')).toBe(0)
  })

  it('adds up what a word means', () => {
    const table = new WordTable({
      ...EMPTY,
      keywords: 'insert',
      statements: { write: 'insert', session: 'set' },
      calls: { write: '', session: '', pure: 'insert' },
      tables: { write: 'a', session: 'b' },
      schemas: { write: 'c', session: 'd', system: 'c' },
      variables: { write: 'e', session: 'f' },
    })
    const insert = table.get('insert')
    expect(Words.keywordOf(insert)).toBe(KEYWORD.insert)
    expect(Words.statementEffect(insert)).toBe(Words.WRITE)
    expect(Words.callEffect(insert)).toBe(Words.READ)
    expect(insert & Words.PURE).not.toBe(0)
    expect(Words.statementEffect(table.get('set'))).toBe(Words.SESSION)
    expect(['a', 'b'].map((name) => Words.tableEffect(table.get(name)))).toEqual([Words.WRITE, Words.SESSION])
    expect(['c', 'd'].map((name) => Words.schemaEffect(table.get(name)))).toEqual([
      Words.WRITE,
      Words.SESSION,
    ])
    expect(['e', 'f'].map((name) => Words.variableEffect(table.get(name)))).toEqual([
      Words.WRITE,
      Words.SESSION,
    ])
  })

  it('refuses a keyword that nobody asks for', () => {
    expect(() => new WordTable({ ...EMPTY, keywords: 'select nonsense' })).toThrow('nonsense')
  })

  it.each(DIALECTS)(
    'knows every word of %s, and no function that both changes something and does not',
    (dialect) => {
      const { dialect: rules, words } = rulesOf(dialect)!
      const { vocabulary } = rules
      const names = (list: string): string[] => list.split(/\s+/).filter((name) => name !== '')
      for (const name of names(vocabulary.keywords))
        expect(Words.keywordOf(words.get(name)), name).not.toBe(0)
      for (const name of names(vocabulary.calls.write))
        expect(Words.callEffect(words.get(name)), name).toBe(Words.WRITE)
      for (const name of names(vocabulary.calls.session)) {
        expect(Words.callEffect(words.get(name)), name).toBe(Words.SESSION)
      }
      for (const name of names(vocabulary.calls.pure)) {
        expect(words.get(name) & Words.PURE, name).not.toBe(0)
        expect(Words.callEffect(words.get(name)), name).toBe(Words.READ)
      }
    },
  )
})
