/**
 * Runs the integration suites of Knex itself over splitpool, and compares them test by test with the same suites over
 * Knex alone:
 *
 *     git clone --depth 1 --branch 3.3.0 https://github.com/knex/knex CHECKOUT
 *     npx tsx scripts/test-knex.ts CHECKOUT [--dialects postgres,mysql] [--replicas 2,1] [--ways ambient,scoped,statements,pool] [SPEC…]
 *
 * Ends with 1 when something passes alone and fails over splitpool, twice. The checkout is left as it is: a copy gets what it
 * needs installed, and splitpool built into it. SPECs are files of the checkout, as `test/integration2/knex.spec.js`.
 */
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startServers, type StartedCluster } from '../test/servers'
import { known } from './knex-suites/known-differences'
import { prepare } from './knex-suites/prepare'
import { runSuites, type Outcomes, type SuiteDialect, type Way } from './knex-suites/run-suites'

async function testKnex(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dialects: { type: 'string', default: 'postgres,mysql' },
      replicas: { type: 'string', default: '2,1' },
      ways: { type: 'string', default: 'ambient,scoped,statements,pool' },
      keep: { type: 'boolean', default: false },
    },
  })
  const [checkout, ...only] = positionals
  if (checkout === undefined) {
    console.error('Name the folder of a checkout of Knex')
    return 2
  }
  const prepared = prepare(checkout)
  copyFileSync(
    path.join(__dirname, 'knex-suites/over-splitpool.cjs'),
    path.join(prepared.folder, 'over-splitpool.cjs'),
  )
  const { folder } = prepared
  let lost = 0
  try {
    for (const replicas of values.replicas.split(',').map(Number)) {
      const clusters: StartedCluster[] = []
      try {
        for (const dialect of values.dialects.split(',') as SuiteDialect[])
          clusters.push(await startServers(dialect, { replicas }))
        const servers = clusters.map(({ dialect, version }) => `${dialect} ${version}`).join(', ')
        console.log(`\nKnex ${prepared.version}, ${servers}, with ${replicas} replica(s) each`)
        const alone = await runSuites(folder, clusters, 'alone', only)
        tell('alone', alone)
        for (const way of values.ways.split(',') as Way[]) {
          const bare = way === 'pool' ? await runSuites(folder, clusters, 'bare-pool', only) : null
          if (bare !== null) tell('bare-pool', bare)
          const run = async (): Promise<Outcomes> => {
            const over = await runSuites(folder, clusters, way, only)
            tell(way, over)
            return over
          }
          const once = compare(bare ?? alone, await run(), way)
          if (once.length === 0) continue
          console.log('  once more, since tests of time-outs of 10 ms depend on the machine:')
          const twice = compare(bare ?? alone, await run(), way).filter((name) => once.includes(name))
          console.log(`  lost both times: ${twice.length === 0 ? 'none' : twice.join('; ')}`)
          lost += twice.length
        }
      } finally {
        await Promise.all(clusters.map((cluster) => cluster.stop()))
      }
    }
  } finally {
    if (values.keep) console.log(`Kept ${folder}`)
    else prepared.remove()
  }
  return lost === 0 ? 0 : 1
}

function tell(way: Way, outcomes: Outcomes): void {
  const count = (wanted: string): number =>
    [...outcomes.values()].filter(({ state }) => state === wanted).length
  console.log(
    `${way}: ${count('passed')} passed, ${count('failed')} failed, ${count('pending')} left out by Knex`,
  )
}

/** Prints each test that ended differently; returns those that pass alone and not over splitpool. */
function compare(alone: Outcomes, over: Outcomes, way: Way): readonly string[] {
  const lost: string[] = []
  for (const name of new Set([...alone.keys(), ...over.keys()])) {
    const before = alone.get(name)?.state ?? 'absent'
    const after = over.get(name)?.state ?? 'absent'
    if (before === after) continue
    const why = known(name, way)?.why
    if (why !== undefined) {
      console.log(`  as it should: ${before} alone, ${after} over splitpool: ${name}\n    ${why}`)
      continue
    }
    if (before === 'passed') lost.push(name)
    console.log(`  ${before} alone, ${after} over splitpool: ${name}`)
    const error = (over.get(name)?.error ?? '') || (alone.get(name)?.error ?? '')
    if (error !== '') console.log(error.split('\n').slice(0, 6).join('\n').replace(/^/gm, '    '))
  }
  return lost
}

void testKnex().then((code) => {
  process.exitCode = code
})
