import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import type { Router } from '../../../src'
import type { Blog } from './blog'

/** A small application. Of splitpool it knows two calls: `router.scope` for each request, and `router.primary` once. */
export function createApp(
  router: Pick<Router, 'scope' | 'primary'>,
  blog: Blog,
  record: RequestHandler,
): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(record)
  app.use((_request, _response, next) => {
    router.scope(next)
  })
  app.use(express.json({ type: () => true })) // so that curl -d needs no header

  app.get('/', (_request, response) => {
    response.json({
      try: ['/articles', '/articles/1', '/articles/1?fresh', '/articles/1/text', '/users/1', '/report'],
    })
  })

  app.get('/articles', async (_request, response) => {
    const articles = await blog.latest()
    const authors = await blog.usersNamed([...new Set(articles.map(({ author_id }) => author_id))])
    response.json({ articles, authors })
  })

  app.get('/articles/:id', async (request, response) => {
    const read = () => blog.article(Number(request.params.id))
    const article = 'fresh' in request.query ? await router.primary(read) : await read()
    if (article === undefined) response.status(404).json({ error: 'No such article' })
    else response.json({ article, author: await blog.user(article.author_id) })
  })

  app.get('/articles/:id/text', async (request, response) => {
    response.json({ text: await blog.text(Number(request.params.id)) })
  })

  app.get('/articles/:id/free', async (request, response) => {
    response.json({ free: await blog.isFree(Number(request.params.id)) })
  })

  app.post('/articles', async (request, response) => {
    const { title, author } = request.body as { title: string; author: number }
    const id = await blog.addArticle(title, author)
    response.status(201).json(await blog.article(id))
  })

  app.put('/articles/:id', async (request, response) => {
    const { title } = request.body as { title: string }
    response.json(await blog.rename(Number(request.params.id), title))
  })

  app.post('/reviews', async (_request, response) => {
    response.status(201).json({ article: await blog.review() })
  })

  app.get('/report', async (_request, response) => {
    response.json(await blog.report())
  })

  app.get('/users/:id', async (request, response) => {
    const user = await blog.user(Number(request.params.id))
    if (user === undefined) response.status(404).json({ error: 'No such user' })
    else response.json(user)
  })

  app.post('/users', async (request, response) => {
    const { name } = request.body as { name: string }
    const id = await blog.addUser(name)
    response.status(201).json({ user: await blog.user(id), articles: await blog.latest() })
  })

  app.use((_request, response) => {
    response.status(404).json({ error: 'No such page' })
  })
  app.use(answerError)
  return app
}

const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error)
    return
  }
  const { status = 500, message = String(error) } = error as { status?: number; message?: string }
  response.status(status).json({ error: message })
}
