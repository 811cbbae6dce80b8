import { once } from 'node:events'
import pc from 'picocolors'
import type { Backend } from './backend'
import { BACKENDS } from './backends'
import { createApp } from './blog/app'
import { Ledger } from './ledger'
import { readOptions, USAGE, type DemoOptions } from './options'
import { printAccount, printColumnHeads } from './print/account'
import { printCrowd } from './print/crowd'
import { printIntroduction, printNext, printUrls } from './print/introduction'
import { line, title } from './print/layout'
import { printProof } from './print/proof'
import { printTotals } from './print/totals'
import { startCounting, whoWrote, type Verdict } from './proof'
import { CHAPTERS, CROWD, perform } from './requests'
import { serving } from './serving'
import { setStage, type Stage } from './stage'

/** Servers → router → application → requests → what went where, and why. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    line(USAGE)
    return
  }
  const backend = BACKENDS[options.dialect]
  line(`Starting ${backend.title}, a primary and two replicas …${backend.patience}`)
  const stage = await setStage(options.dialect, backend)
  try {
    printIntroduction(stage, backend)
    await play(stage, backend, options)
    if (!options.serve) printNext()
  } finally {
    await stage.cluster.stop()
  }
}

async function play(
  { cluster, articles, users }: Stage,
  backend: Backend,
  options: DemoOptions,
): Promise<void> {
  const count = await startCounting(cluster, backend.witness)
  const ledger = new Ledger()
  const { router, blog } = backend.open(articles, users)
  try {
    const app = createApp(router, blog, ledger.record)
    await serving(app, (base) => (options.serve ? serve(base, ledger) : makeRequests(base, ledger)))
  } finally {
    await router.close()
  }
  if (ledger.accounts.length === 0) {
    line('No request came.')
    return
  }
  printTotals(router.stats(), ledger.accounts)
  const counts = await count()
  printProof(counts, backend.witness)
  const expected: readonly Verdict[] = options.serve ? ['primary-alone', 'nobody'] : ['primary-alone']
  if (!expected.includes(whoWrote(counts))) process.exitCode = 1
}

/** The demo's own requests. */
async function makeRequests(base: string, ledger: Ledger): Promise<void> {
  for (const chapter of CHAPTERS) {
    title(chapter.title)
    printColumnHeads()
    for (const request of chapter.requests) {
      await perform(base, request)
      await ledger.settled()
      printAccount(ledger.accounts.at(-1)!)
    }
  }

  title(CROWD.title)
  const before = ledger.accounts.length
  await Promise.all(CROWD.requests.map((request) => perform(base, request)))
  await ledger.settled()
  printCrowd(ledger.accounts.slice(before))
}

/** Whatever requests come, until Ctrl-C. */
async function serve(base: string, ledger: Ledger): Promise<void> {
  printUrls(base)
  printColumnHeads()
  ledger.onAccount(printAccount)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await ledger.settled()
}

main().catch((error: unknown) => {
  console.error(pc.red(error instanceof Error ? error.message : String(error)))
  process.exitCode = 1
})
