import { expect, it } from 'vitest'
import { runSql } from '../servers'
import { describeEachDialect } from '../servers/provided'

describeEachDialect((dialect, cluster) => {
  const { primary, replicas } = cluster
  const table = `servers_${dialect}`
  const names = async (url: string): Promise<unknown[]> =>
    (await runSql(url, `select name from ${table} order by name`)).map((row) => row['name'])

  it('shows on every replica what was written on the primary', async () => {
    await runSql(primary.url, `create table ${table} (name varchar(20) primary key)`)
    await runSql(primary.url, `insert into ${table} values ('a'), ('b')`)
    await cluster.caughtUp()
    for (const replica of replicas) expect(await names(replica.url)).toEqual(['a', 'b'])
  })

  it('refuses a write on a replica', async () => {
    for (const replica of replicas) {
      await expect(runSql(replica.url, `insert into ${table} values ('x')`)).rejects.toThrow(/read[- ]only/)
    }
  })

  it('refuses a write of the administrator on a replica, except on MariaDB', async () => {
    if (dialect === 'mariadb') return
    for (const replica of replicas) {
      await expect(runSql(replica.adminUrl, `insert into ${table} values ('x')`)).rejects.toThrow(
        /read[- ]only/,
      )
    }
  })

  it('holds a paused replica where it is, and lets it catch up when resumed', async () => {
    const replica = replicas.at(-1)!
    await cluster.pauseReplication(replica.id)
    await runSql(primary.url, `insert into ${table} values ('c')`)
    for (const other of replicas.slice(0, -1)) {
      await expect.poll(() => names(other.url)).toEqual(['a', 'b', 'c'])
    }
    expect(await names(replica.url)).toEqual(['a', 'b'])

    await cluster.resumeReplication(replica.id)
    await cluster.caughtUp()
    expect(await names(replica.url)).toEqual(['a', 'b', 'c'])
  })

  it('lets the ordinary user create functions and drop tables', async () => {
    const body = dialect === 'postgres' ? "language sql as 'select 1'" : 'return 1'
    const integer = dialect === 'postgres' ? 'int' : 'int deterministic'
    await runSql(primary.url, `create function ${table}_one() returns ${integer} ${body}`)
    await cluster.caughtUp()
    for (const { url } of [primary, ...replicas]) {
      expect(await runSql(url, `select ${table}_one() as one`)).toEqual([{ one: 1 }])
    }
    await runSql(primary.url, `drop function ${table}_one`)
    await runSql(primary.url, `drop table ${table}`)
  })

  it('names the replica that does not exist', () => {
    expect(() => cluster.pauseReplication('replica-9')).toThrow(/No replica replica-9; there are replica-1/)
  })
})
