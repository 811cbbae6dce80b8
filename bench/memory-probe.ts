import { createRouter, type Router } from '../dist'
import { postgres } from '../dist/adapters/pg'

const URLS = [1, 2, 3].map((port) => `postgres://app@127.0.0.1:${port}/app`)

function make(): Router {
  const [primary, ...replicas] = URLS as [string, ...string[]]
  const router = createRouter({ databases: { default: postgres({ primary, replicas }) } })
  router.pool()
  return router
}

function heap(): number {
  for (let time = 0; time < 4; time++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

async function main(): Promise<void> {
  const SCOPES = 20_000
  const one = make()
  const hold = holder()
  const open = (): Promise<void> =>
    one.scope(async () => {
      one.explain('SELECT 1')
      // What awaits in the scope keeps it.
      await hold.promise
    })
  void open()
  const beforeScopes = heap()
  const scopes = Array.from({ length: SCOPES }, open)
  const scope = (heap() - beforeScopes) / SCOPES
  hold.resolve(undefined)
  await Promise.all(scopes)

  const ROUTERS = 200
  const kept = [make()]
  const beforeRouters = heap()
  for (let time = 0; time < ROUTERS; time++) kept.push(make())
  const router = (heap() - beforeRouters) / ROUTERS
  console.log(JSON.stringify({ scope, router, kept: kept.length }))
}

function holder(): { promise: Promise<undefined>; resolve: (value: undefined) => void } {
  let resolve: (value: undefined) => void = () => undefined
  const promise = new Promise<undefined>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

void main()
