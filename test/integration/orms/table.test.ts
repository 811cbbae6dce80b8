import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, it } from 'vitest'
import { BEGIN, END, renderTables } from './table'

const PAGE = join(__dirname, '..', '..', '..', 'docs', 'orms.md')
const WRITE = 'SPLITPOOL_WRITE_TABLE'

it('docs/orms.md shows what is asked of every ORM, and what it lacks', async () => {
  const page = readFileSync(PAGE, 'utf8')
  const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
  const after = page.slice(page.indexOf(END))
  const options = { ...(await resolveConfig(PAGE)), parser: 'markdown' }
  const written = await format([before, renderTables(), after].join('\n\n'), options)
  if (process.env[WRITE] === '1') writeFileSync(PAGE, written)
  else expect(page, `${WRITE}=1 writes it anew`).toBe(written)
})
