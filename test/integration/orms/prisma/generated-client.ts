import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OrmDialect } from '../orm-under-test'

/** Prisma is a package of its own, and its client is generated: neither is there before the first run. */
const PACKAGE = join(__dirname, '..', '..', '..', '..', 'examples', 'prisma')

interface Where {
  readonly where: object
}

interface Model<T> {
  findUnique(options: Where): Promise<T | null>
  findFirst(options: Where & { readonly select?: object }): Promise<T | null>
  findFirstOrThrow(options: Where): Promise<T>
  findMany(options?: object): Promise<T[]>
  count(options?: Partial<Where>): Promise<number>
  create(options: { readonly data: object; readonly include?: object }): Promise<T>
  createMany(options: { readonly data: readonly object[] }): Promise<unknown>
  update(options: Where & { readonly data: object }): Promise<T>
  upsert(options: Where & { readonly create: object; readonly update: object }): Promise<T>
  delete(options: Where): Promise<T>
}

export interface SeenNote {
  readonly id: number
  readonly body: string
  readonly node: string
  readonly pid: number | bigint
}

/** What the generated clients have, as far as the tests call it. */
export interface Prisma {
  readonly note: Model<{ readonly id: number; readonly body: string }>
  readonly seenNote: Model<SeenNote>
  readonly seenAuthor: Model<{
    readonly name: string
    readonly node: string
    readonly notes: readonly SeenNote[]
  }>
  readonly shelf: Model<{ readonly id: number; readonly name: string; readonly books: readonly object[] }>
  readonly book: Model<{ readonly id: number; readonly title: string }>
  /** MySQL only. */
  readonly kind: Model<object>
  $queryRaw<T>(sql: TemplateStringsArray, ...values: unknown[]): Promise<T>
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): Promise<T>
  $executeRaw(sql: TemplateStringsArray, ...values: unknown[]): Promise<number>
  $executeRawUnsafe(sql: string, ...values: unknown[]): Promise<number>
  $transaction<T extends readonly Promise<unknown>[]>(batch: T): Promise<{ [K in keyof T]: Awaited<T[K]> }>
  $transaction<T>(
    fn: (tx: Prisma) => Promise<T>,
    options?: { readonly isolationLevel?: 'Serializable'; readonly timeout?: number },
  ): Promise<T>
  $disconnect(): Promise<void>
}

interface Generated {
  readonly PrismaClient: new (options: { readonly adapter: unknown }) => Prisma
  readonly Prisma: {
    readonly PrismaClientKnownRequestError: new (...args: never) => Error & { readonly code: string }
  }
}

interface Adapters {
  readonly PrismaPg: new (
    pool: unknown,
    options?: {
      readonly statementNameGenerator?: (query: { readonly sql: string }) => string
      readonly disposeExternalPool?: boolean
    },
  ) => unknown
  readonly PrismaMariaDb: new (pool: unknown) => unknown
}

export type PrismaPackage = Generated & Adapters

const loaded = new Map<OrmDialect, Promise<PrismaPackage>>()

/** The generated client of a dialect, and Prisma's adapter for it. Generated once in a process. */
export function loadPrisma(dialect: OrmDialect): Promise<PrismaPackage> {
  const prisma = loaded.get(dialect) ?? load(dialect)
  loaded.set(dialect, prisma)
  return prisma
}

async function load(dialect: OrmDialect): Promise<PrismaPackage> {
  await generateClients(join(__dirname, `${dialect}.prisma`))
  const adapter = dialect === 'postgres' ? 'adapter-pg' : 'adapter-mariadb'
  const [client, adapters] = (await Promise.all([
    import(join(PACKAGE, 'generated', `orms-${dialect}`, 'client.ts')),
    import(join(PACKAGE, 'node_modules', '@prisma', adapter, 'dist', 'index.js')),
  ])) as [Generated, Adapters]
  return { ...client, ...adapters }
}

/** Installs Prisma where it is missing, and generates the clients of these schemas, also where there are older ones. */
export async function generateClients(...schemas: readonly string[]): Promise<void> {
  const run = promisify(execFile)
  if (!existsSync(join(PACKAGE, 'node_modules', 'prisma'))) {
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PACKAGE })
  }
  await run(join(PACKAGE, 'generate.sh'), schemas)
}
