// Prisma over router.pool(), through `@prisma/adapter-pg`.
import { PrismaPg } from '@prisma/adapter-pg'
import { createRouter } from '../../src' // in an application: 'splitpool'
import { postgres } from '../../src/adapters/pg' // 'splitpool/pg'
import { runExample } from '../servers'
import { PrismaClient } from './generated/postgres/client'

void runExample('postgres', async ({ servers, caughtUp }) => {
  const router = createRouter({
    databases: { default: postgres({ primary: servers.primary, replicas: servers.replicas }) },
  })
  const prisma = new PrismaClient({ adapter: new PrismaPg(router.pool()) })

  // In an application `prisma migrate` does this, with the address of the primary.
  await prisma.$executeRaw`CREATE TABLE example_authors (id serial PRIMARY KEY, name varchar(100) NOT NULL)`
  await prisma.$executeRaw`CREATE TABLE example_notes (
    id serial PRIMARY KEY, body varchar(100) NOT NULL, author_id int NOT NULL REFERENCES example_authors)`
  await caughtUp()

  for (let job = 1; job <= 4; job++) {
    await router.scope(async () => {
      console.log(`job ${job} reads from`, await server(prisma), 'and again from', await server(prisma))
    })
  }

  // One transaction, since it is two rows; then the scope reads what it wrote.
  await router.scope(async () => {
    await prisma.author.create({ data: { name: 'Ada', notes: { create: { body: 'hello' } } } })
    const found = await prisma.author.findFirst({ include: { notes: { select: { body: true } } } })
    console.log('wrote and read back', found!.notes[0], 'on', await server(prisma))
  })

  await router.scope(async () => {
    await prisma.$transaction(async (tx) => {
      await tx.note.updateMany({ data: { body: 'hello again' } })
      console.log('a transaction is on', await server(tx))
    })
  })

  await prisma.$executeRaw`DROP TABLE example_notes, example_authors`
  await prisma.$disconnect()
  await router.close()
})

async function server(prisma: Pick<PrismaClient, '$queryRaw'>): Promise<string> {
  const [row] = await prisma.$queryRaw<{ standby: boolean; port: number }[]>`
    SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port`
  return `${row!.standby ? 'replica' : 'primary'} :${row!.port}`
}
