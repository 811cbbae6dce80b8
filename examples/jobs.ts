// A worker of jobs, in the way of BullMQ: each job is a scope, whichever jobs run beside it.
import { EventEmitter, once } from 'node:events'
import type { Pool } from 'pg'
import { createRouter } from '../src' // in an application: 'splitpool'
import { postgres } from '../src/adapters/pg' // 'splitpool/pg'
import { runExample } from './servers'

interface Job {
  readonly id: number
  readonly name: 'import' | 'count'
}

/** As much of BullMQ's Worker as is needed here, without Redis: `new Worker(name, processor, { concurrency })`. */
class Worker extends EventEmitter {
  readonly #queue: Job[] = []
  readonly #process: (job: Job) => Promise<string>
  readonly #concurrency: number
  #free: number

  constructor(_name: string, processor: (job: Job) => Promise<string>, { concurrency = 1 } = {}) {
    super()
    this.#process = processor
    this.#concurrency = this.#free = concurrency
  }

  add(job: Job): void {
    this.#queue.push(job)
    this.#next()
  }

  #next(): void {
    if (this.#free === 0) return
    const job = this.#queue.shift()
    if (job === undefined) {
      if (this.#free === this.#concurrency) this.emit('drained')
      return
    }
    this.#free--
    // The next job begins where this one ends, and so in its scope: what opens one for each job is `router.scope`.
    void this.#process(job).then((result) => {
      this.emit('completed', job, result)
      this.#free++
      this.#next()
    })
  }
}

void runExample('postgres', async ({ servers, caughtUp }) => {
  const router = createRouter({ databases: { default: postgres(servers) } })
  const db: Pool = router.pool()
  await router.scope(() => db.query('CREATE TABLE example_rows (job int)'))
  await caughtUp()

  async function work({ id, name }: Job): Promise<string> {
    const first = await server(db)
    if (name === 'count') return `reads from ${first} and again from ${await server(db)}`
    await db.query('INSERT INTO example_rows VALUES ($1)', [id])
    const { rowCount } = await db.query('SELECT 1 FROM example_rows WHERE job = $1', [id])
    return `begins on ${first}, writes, and finds ${rowCount} row on ${await server(db)}`
  }

  // This line is all there is to it.
  const processor = (job: Job): Promise<string> =>
    router.scope(() => work(job), { attributes: { jobId: job.id } })
  const worker = new Worker('rows', processor, { concurrency: 2 })
  worker.on('completed', ({ id, name }: Job, result: string) => {
    console.log(`job ${id} (${name}) ${result}`)
  })
  for (let id = 1; id <= 6; id++) {
    worker.add({ id, name: id % 2 === 1 ? 'import' : 'count' })
  }
  await once(worker, 'drained')

  await router.scope(() => db.query('DROP TABLE example_rows'))
  await router.close()
})

async function server(db: Pool): Promise<string> {
  const { rows } = await db.query<{ standby: boolean; port: number }>(
    'SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port',
  )
  return `${rows[0]!.standby ? 'replica' : 'primary'} :${rows[0]!.port}`
}
