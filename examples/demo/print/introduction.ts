import pc from 'picocolors'
import type { Backend } from '../backend'
import type { Stage } from '../stage'
import { colourOf } from './account'
import { columns, line, title } from './layout'

/** The servers, the router over them, and what the application sees of it. */
export function printIntroduction({ cluster, setMs }: Stage, backend: Backend): void {
  const { primary, replicas, version } = cluster
  line(`${backend.title} ${version} is ready after ${(setMs / 1000).toFixed(1)} s.`)
  line()
  const servers = [primary, ...replicas].map(({ id, host, port }, index) => [
    colourOf({ role: index === 0 ? 'primary' : 'replica' })(id),
    `${host}:${port}`,
    index === 0 ? 'takes writes' : 'follows the primary, and refuses writes',
  ])
  line(columns([9, 20, 40], servers))
  line()
  line(
    'There are two databases on these servers, and so two aliases: default holds the articles, users the users.',
  )
  line()
  line(pc.cyan(routerSource(backend.factory)))
  line()
  line(`The application is examples/demo/blog. To it, db is ${backend.pool}; of replicas it knows nothing.`)
}

function routerSource(factory: string): string {
  return `  const router = createRouter({
    databases: { default: ${factory}({ primary, replicas }), users: ${factory}({ primary, replicas }) },
    models: { User: { table: 't_user', bind: 'users' } },
  })
  const db = router.pool()`
}

/** What to try while it serves. */
export function printUrls(base: string): void {
  title(`Serving on ${base} until Ctrl-C`)
  const calls: readonly [string, string][] = [
    [`curl ${base}/articles`, 'two databases, a replica of each'],
    [`curl ${base}/articles/1?fresh`, 'an article from the primary'],
    [`curl ${base}/articles/1/text`, 'a SELECT that writes'],
    [`curl ${base}/report`, 'a read-only transaction'],
    [`curl ${base}/articles -d '{"title":"Mine","author":1}'`, 'a write, read back'],
    [`curl ${base}/articles/1 -X PUT -d '{"title":"Changed"}'`, 'a transaction'],
  ]
  const width = Math.max(...calls.map(([call]) => call.length))
  line()
  for (const [call, what] of calls) line(`  ${call.padEnd(width)}  ${pc.dim(what)}`)
  line()
}

/** Where to go from here. */
export function printNext(): void {
  line()
  line(
    pc.dim('Next: npm run demo -- --serve takes requests of your own, and --mysql does all this on MySQL.'),
  )
  line(pc.dim('The files in examples/ show one way of use each.'))
}
