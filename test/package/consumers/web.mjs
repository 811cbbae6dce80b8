import express from 'express'
import fastify from 'fastify'
import { once } from 'node:events'
import { createRouter } from 'splitpool'
import { requestScope } from 'splitpool/express'
import { splitpool } from 'splitpool/fastify'
import { postgres } from 'splitpool/pg'

const router = createRouter({ databases: { default: postgres({ primary: 'postgres://a:b@127.0.0.1:1/a' }) } })

const app = express()
app.use(requestScope(router))
app.use((_request, response) => response.send(String(router.stats().scopes)))
const listening = app.listen(0, '127.0.0.1')
await once(listening, 'listening')
const response = await fetch(`http://127.0.0.1:${listening.address().port}`)
listening.close()

const server = fastify()
await server.register(splitpool, { router })
server.get('/', () => String(router.stats().scopes))
const injected = await server.inject('/')

console.log(JSON.stringify({ express: await response.text(), fastify: injected.payload }))
