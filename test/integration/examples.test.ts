import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeDialect } from '../servers/provided'
import { processesIn } from '../servers/server-process'
import { until } from '../servers/until'
import { generateClients } from './orms/prisma/generated-client'

const EXAMPLES = join(__dirname, '..', '..', 'examples')
const TIMEOUT_MS = 55_000

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Where the processes of a test keep their servers. */
let temporary: string

beforeEach(() => {
  temporary = mkdtempSync(join(realpathSync(tmpdir()), 'splitpool-test-'))
  chmodSync(temporary, 0o755)
})

afterEach(() => {
  const left = readdirSync(temporary).filter((name) => name.startsWith('splitpool-servers-'))
  const running = processesIn(temporary)
  rmSync(temporary, { recursive: true, force: true })
  expect([left, running], 'no server and no directory of one is left').toEqual([[], []])
})

function start(
  file: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; said: () => string; ended: Promise<Outcome> } {
  const child = spawn(process.execPath, ['--import', 'tsx', join(EXAMPLES, file), ...args], {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
  return { child, said: () => out, ended }
}

function run(file: string, args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome> {
  return start(file, args, env).ended
}

/** What a demo must have told, whichever servers it ran on. */
function expectAccount({ code, out, err }: Outcome): void {
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^37 requests: \d+ statements on replicas, \d+ on the primary/m)
  expect(out).toMatch(/GET \/articles\/1 {2}200 {2}pinned to default:replica-[12] and users:replica-[12]/)
  expect(out).toMatch(/FROM t_user WHERE id = \S+ +users +replica +replica-[12] +read: /)
  expect(out).toMatch(/INSERT INTO t_user .* users +primary +primary +not-a-read: INSERT/)
  expect(out).toMatch(/FROM articles .* default +primary +primary +own-writes: /)
  expect(out).toMatch(/FOR UPDATE.* default +primary +primary +not-a-read: .*FOR UPDATE/)
  expect(out).toMatch(/article_text.* default +primary +primary +refused-by-replica: /)
  expect(out).toMatch(/COMMIT +default +replica +replica-[12]/)
  for (const rule of [
    'transaction',
    'lease',
    'not-a-read',
    'frame',
    'own-writes',
    'read',
    'refused-by-replica',
  ]) {
    expect(out).toMatch(new RegExp(`^│ ${rule} +│ +[1-9]\\d* │`, 'm'))
  }
  expect(out).toContain('✓ Every row was written on the primary, none on a replica.')
  expect(
    out.split('\n').filter((line) => line.length > 110),
    'lines wider than a terminal',
  ).toEqual([])
}

describe('the demo', { timeout: TIMEOUT_MS + 5_000 }, () => {
  it('ends by itself and says where each statement went, and why', async () => {
    expectAccount(await run('demo/main.ts'))
  })

  describeDialect('mysql', () => {
    it('does the same on MySQL', async () => {
      expectAccount(await run('demo/main.ts', ['--mysql']))
    })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('serves until %s', async (signal) => {
    const { child, said, ended } = start('demo/main.ts', ['--serve'])
    await until('it serves', () => child.exitCode !== null || said().includes('Serving on'))
    const [base] = /http:\/\/127\.0\.0\.1:\d+/.exec(said())!
    const body = '{"title":"From outside","author":1}'
    const created = await fetch(`${base}/articles`, { method: 'POST', body })
    expect(await created.json()).toMatchObject({ title: 'From outside' })
    expect((await fetch(`${base}/nowhere`)).status).toBe(404)
    await until('the request is told', () => said().includes('POST /articles  201'))
    child.kill(signal)
    const { code, out, err } = await ended
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('2 requests: 0 statements on replicas, 2 on the primary')
    expect(out).toContain('✓ Every row was written on the primary, none on a replica.')
  })

  it('leaves nothing behind when it is interrupted while it works', async () => {
    const { child, said, ended } = start('demo/main.ts')
    await until('the first request is told', () => said().includes('GET /articles'))
    child.kill('SIGINT')
    await ended
    await until('its servers are gone', () => processesIn(temporary).length === 0)
    await until(
      'their directory is gone',
      () => !readdirSync(temporary).some((name) => /^splitpool-/.test(name)),
    )
  })

  it('says how it is used, also to somebody who does not know', async () => {
    expect(await run('demo/main.ts', ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Usage: npm run demo/) as unknown,
      err: '',
    })
    expect(await run('demo/main.ts', ['--oracle'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^Unknown option '--oracle'\n\nUsage: /) as unknown,
    })
  })

  it('says in one line that there are no servers to be had', async () => {
    const nowhere = { SPLITPOOL_SERVERS: 'path', SPLITPOOL_MYSQLD: join(temporary, 'mysqld') }
    const { code, err } = await run('demo/main.ts', ['--mysql'], nowhere)
    expect(code).toBe(1)
    expect(err).toMatch(/^No mysql servers: .*\n$/)
  })
})

describe('the examples', { timeout: TIMEOUT_MS + 5_000 }, () => {
  it.each([
    [
      'pg.ts',
      /^job 1 reads from (replica :\d+) and again from \1$/m,
      /^wrote and read back \{ body: 'hello' \} on primary/m,
      /^a borrowed client reads from replica/m,
      /^and stays, once it has written, on primary/m,
    ],
    [
      'transactions.ts',
      /^committed: Ada 70, Grace 30$/m,
      /^rolled back to the savepoint: not all of them$/m,
      /^the outer one was kept: Ada 71, Grace 30$/m,
      /^read only: \{ replica: true, isolation: 'repeatable read' \}$/m,
    ],
    [
      'two-databases.ts',
      /^example_articles: default:replica-\d, .*database: 'app', replica: true/m,
      /^example_user: users:replica-\d, by the rule table; .*database: 'users', replica: true/m,
      /^audit_logins: users:primary, by the rule router-chain; .*database: 'users', replica: false/m,
      /^a join across them: ERR_CROSS_DATABASE/m,
    ],
    [
      'explain.ts',
      /→ users:replica-\d; read: .*; database by table/,
      /→ default:primary; not-a-read: .*FOR UPDATE/,
      /^ {2}default:primary \(frame\) SELECT now\(\): [\d.]+ ms$/m,
    ],
  ])('%s', async (file, ...facts) => {
    const { code, out, err } = await run(file)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const fact of facts) expect(out).toMatch(fact)
  })

  const WEB_FACTS = [
    // Each request reads from one replica; two requests, from two.
    /^GET \/articles: 200 \{"titles":0,"servers":\["(replica :\d+)","\1"\]\}\nGET \/articles: 200 \{"titles":0,"servers":\["(?!\1)(replica :\d+)","\2"\]\}$/m,
    /^POST \/articles: 201 \{"found":\[\{"title":"On pools"\}\],"servers":\["(primary :\d+)","\1"\]\}$/m,
    // Without its readFrom it would be the turn of the other.
    /^GET \/reports: 200 \{"servers":\["replica :\d+"\],"node":"default:replica-2"\}$/m,
    /^GET \/reports\/careless: 403 \{"error":"ERR_READ_ONLY"\}$/m,
    /^6 scopes so far\nGET \/static\/style\.css: 200 body \{\}\n6 scopes so far$/m,
  ]

  it.each([
    ['express.ts', ...WEB_FACTS],
    ['fastify.ts', ...WEB_FACTS, /^the router is closed with the application: .+$/m],
    [
      'jobs.ts',
      ...[2, 4, 6].map(
        (id) => new RegExp(`^job ${id} \\(count\\) reads from (replica :\\d+) and again from \\1$`, 'm'),
      ),
      ...[1, 3, 5].map(
        (id) =>
          new RegExp(
            `^job ${id} \\(import\\) begins on replica :\\d+, writes, and finds 1 row on primary`,
            'm',
          ),
      ),
    ],
    [
      'websocket.ts',
      /^message "hello" writes, and finds 1 line on primary :\d+$/m,
      /^message "\?" reads from (replica :\d+) and again from \1$(?![^]*message "\?" reads from primary)/m,
    ],
    [
      'cron.ts',
      /^sums up 5 on replica :\d+\nmarks 2 sales of 5 on primary :\d+\nthe next run begins on replica :\d+$/m,
    ],
  ])('%s', async (file, ...facts) => {
    const { code, out, err } = await run(file)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const fact of facts) expect(out).toMatch(fact)
  })

  const ORM_FACTS = [
    /^job 1 reads from (replica :\d+) and again from \1$/m,
    /^wrote and read back \{ body: 'hello' \} on primary/m,
    /^a transaction is on (primary :\d+)(?! and the outer handle on (?!\1))/m,
  ]

  it.each([
    ['knex.ts', /^ {2}default:primary: update "example_notes"/m, /^a read-only transaction is on replica/m],
    ['kysely.ts', /^a read-only transaction is on replica/m],
    ['drizzle.ts', /^a read-only transaction is on replica/m],
    ['sequelize.ts'],
    ['mikro-orm.ts', /^a read-only transaction finds "hello again" on replica/m],
  ])('%s', async (file, ...facts) => {
    const { code, out, err } = await run(file)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const fact of [...ORM_FACTS, ...facts]) expect(out).toMatch(fact)
  })

  describeDialect('mysql', () => {
    it.each(['objection.ts', 'typeorm.ts'])('%s', async (file) => {
      const { code, out, err } = await run(file)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      for (const fact of ORM_FACTS) expect(out).toMatch(fact)
    })

    describe('prisma', () => {
      beforeAll(() => generateClients('mysql.prisma'))

      it('prisma/mysql.ts', async () => {
        const { code, out, err } = await run('prisma/mysql.ts')
        expect({ code, err }).toEqual({ code: 0, err: '' })
        for (const fact of ORM_FACTS) expect(out).toMatch(fact)
      })
    })

    it('mysql2.ts', async () => {
      const { code, out, err } = await run('mysql2.ts')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toMatch(/^job 1 reads from (replica :\d+) and again from \1$/m)
      expect(out).toMatch(/^wrote and read back \{ body: 'hello' \} on primary/m)
      expect(out).toMatch(/^with a callback \{ two: 2 \}$/m)
    })
  })

  describeDialect('postgres', ({ primary, replicas }) => {
    describe('prisma', () => {
      beforeAll(() => generateClients('postgres.prisma'))

      it('prisma/postgres.ts', async () => {
        const { code, out, err } = await run('prisma/postgres.ts')
        expect({ code, err }).toEqual({ code: 0, err: '' })
        for (const fact of ORM_FACTS) expect(out).toMatch(fact)
      })
    })

    it('run on the servers that the command line names', async () => {
      const { code, out, err } = await run('pg.ts', [primary.url, ...replicas.map(({ url }) => url)])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(`on primary :${primary.port}`)
    })
  })
})
