import { describe, expect, it } from 'vitest'
import { Classifier } from './classifier'

describe('Classifier', () => {
  it('gives the same verdict object for the same text', () => {
    const classifier = new Classifier('postgres')
    const verdict = classifier.classify('select 1')
    expect(verdict).toMatchObject({ dialect: 'postgres', intent: 'read' })
    expect(classifier.classify(['select', '1'].join(' '))).toBe(verdict)
  })

  it('calls a text a write once a replica has refused it, and only that text', () => {
    const classifier = new Classifier('postgres')
    expect(classifier.classify('select bump()').intent).toBe('read')
    classifier.remember('select bump()')
    expect(classifier.classify('select bump()')).toMatchObject({
      intent: 'write',
      reason: 'refused by a replica before',
      unknownFunctions: ['bump'],
    })
    expect(classifier.classify('select bump() ').intent).toBe('read')
  })

  it('remembers a refusal of a text that it has never seen', () => {
    const classifier = new Classifier('mysql')
    classifier.remember('select bump()')
    expect(classifier.classify('select bump()').intent).toBe('write')
  })

  it('takes nothing from a graver verdict by a refusal', () => {
    const classifier = new Classifier('mysql')
    classifier.remember('set @a = 1')
    expect(classifier.classify('set @a = 1').intent).toBe('session')
  })

  it('remembers a refusal after thousands of other texts', () => {
    const classifier = new Classifier('postgres')
    classifier.remember('select bump()')
    for (let index = 0; index < 5000; index++) classifier.classify(`select ${index}`)
    expect(classifier.classify('select bump()').intent).toBe('write')
  })

  it('forgets verdicts beyond its bound, and the oldest refusals', () => {
    const classifier = new Classifier('postgres')
    const verdict = classifier.classify('select 1')
    for (let index = 0; index < 5000; index++) {
      classifier.classify(`select ${index}, 2`)
      classifier.remember(`select ${index}, 3`)
    }
    expect(classifier.classify('select 1')).not.toBe(verdict)
    expect(classifier.classify('select 1')).toEqual(verdict)
    expect(classifier.classify('select 0, 3').intent).toBe('read')
    expect(classifier.classify('select 4999, 3').intent).toBe('write')
  })

  it('does not keep long texts, and remembers them no more than bounded', () => {
    const classifier = new Classifier('postgres')
    const long = `select ${'1, '.repeat(10_000)} 1`
    expect(classifier.classify(long)).not.toBe(classifier.classify(long))
    classifier.remember(long)
    expect(classifier.classify(long).intent).toBe('write')
    const endless = `select ${'1, '.repeat(2_000_000)} 1`
    classifier.remember(endless)
    expect(classifier.classify(endless).intent).toBe('read')
    expect(classifier.classify(long).intent).toBe('write')
  })

  it('knows the functions that are declared', () => {
    const classifier = new Classifier('postgres', { write: ['app.bump'], strict: true, read: ['price'] })
    expect(classifier.classify('select bump()').intent).toBe('write')
    expect(classifier.classify('select price(), now()').intent).toBe('read')
    expect(classifier.classify('select other()').intent).toBe('write')
  })

  it('takes what is no text for a write', () => {
    expect(new Classifier('mysql').classify(undefined)).toMatchObject({
      intent: 'write',
      reason: 'not a text',
    })
  })
})
