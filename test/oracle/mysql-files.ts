import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from './code'
import { MysqltestScript } from './mysqltest-script'

/** About as many statements are run, unless `SPLITPOOL_ORACLE=full` asks for every file. */
const STATEMENTS = 10_000

/** What a file costs beside its statements: its database, its sessions. In statements. */
const COST_OF_A_FILE = 20

/** Files that need more than a server as it comes: a debug build, a plugin, a restart, the binary's own command line. */
const NEEDS_MORE =
  /source\s+(?:include|common|suite)\/(?:\w+\/)?(?:have_debug|have_debug_sync|have_ndb|restart_mysqld|shutdown_mysqld|start_mysqld|kill_mysqld|have_\w*plugin|have_component|install_|have_hypergraph|windows|big_test|master-slave|rpl)|shutdown_server|--exec\s+\$MYSQLD\b/

/**
 * The files of the main suite that are run. There are some thousand, of a hundred and fifty thousand statements, most
 * of them the same: insert, drop, select. So files are taken by how many ways of writing a statement they add for
 * what they cost: every call of a function, every beginning of a statement and every pair of words after FROM's level
 * that no file before has shown. The order depends on the files alone.
 */
export function chooseFiles(tests: string): string[] {
  const files = readdirSync(tests).filter((file) => file.endsWith('.test'))
  const candidates = files.flatMap((file) => {
    const text = readFileSync(join(tests, file), 'utf8')
    // Replacement characters: the file is not in UTF-8, and what we would send is not what it says.
    return NEEDS_MORE.test(text) || text.includes('\ufffd') ? [] : [{ file, ...vocabularyOf(text) }]
  })
  if (process.env['SPLITPOOL_ORACLE'] === 'full') return inOrder(candidates)

  const known = new Set<string>()
  const chosen: { file: string; statements: number }[] = []
  let budget = STATEMENTS
  while (budget > 0 && candidates.length > 0) {
    let best = 0
    let bestWorth = -1
    candidates.forEach(({ words, statements }, i) => {
      let fresh = 0
      for (const word of words) if (!known.has(word)) fresh++
      const worth = fresh / (statements + COST_OF_A_FILE)
      if (worth > bestWorth) [best, bestWorth] = [i, worth]
    })
    const [taken] = candidates.splice(best, 1)
    for (const word of taken!.words) known.add(word)
    chosen.push(taken!)
    budget -= taken!.statements + COST_OF_A_FILE
  }
  return inOrder(chosen)
}

/** The longest first, so that no worker is left alone with one at the end. */
function inOrder(files: readonly { file: string; statements: number }[]): string[] {
  return files
    .toSorted((a, b) => b.statements - a.statements || (a.file < b.file ? -1 : 1))
    .map(({ file }) => file)
}

function vocabularyOf(text: string): { words: Set<string>; statements: number } {
  const words = new Set<string>()
  let statements = 0
  const script = new MysqltestScript(text)
  for (let step = script.next(); step !== null; step = script.next()) {
    if (step.kind !== 'statement') continue
    statements++
    const code = codeOf(step.sql, 'mysql').toLowerCase()
    words.add(
      code
        .match(/[a-z_@]+/g)
        ?.slice(0, 3)
        .join(' ') ?? '',
    )
    for (const [call] of code.matchAll(/[a-z_]\w*(?=\()/g)) words.add(call)
    for (const [pair] of code.matchAll(
      /\b(?:for|with|lock|into|using|over|collate|explain|show|union|procedure) +[a-z_]+/g,
    ))
      words.add(pair)
    for (const [marker] of code.matchAll(/@@?|:=|\/\*[!m]|->>?|\{ *\w+/g)) words.add(marker)
  }
  return { words, statements }
}
