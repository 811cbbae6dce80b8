export interface DemoRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly body?: unknown
}

export interface Chapter {
  readonly title: string
  readonly requests: readonly DemoRequest[]
}

const get = (path: string): DemoRequest => ({ method: 'GET', path })
const post = (path: string, body: unknown = {}): DemoRequest => ({ method: 'POST', path, body })
const put = (path: string, body: unknown): DemoRequest => ({ method: 'PUT', path, body })

/** Made one after the other, and told in full. */
export const CHAPTERS: readonly Chapter[] = [
  {
    title: 'A request reads from one replica of each database, and keeps it',
    requests: [get('/articles'), get('/articles/1'), get('/articles/2'), get('/users/2')],
  },
  {
    title: 'Writes go to the primary, and a request that has written there reads there',
    requests: [
      post('/articles', { title: 'On pools', author: 1 }),
      // It writes a user and then reads articles, which are in the other database: still from a replica.
      post('/users', { name: 'Barbara' }),
    ],
  },
  {
    title: 'A transaction is one connection; one that is read only is served whole by a replica',
    requests: [put('/articles/3', { title: 'Article 3, revised' }), post('/reviews'), get('/report')],
  },
  {
    title: 'Not every SELECT is a read',
    requests: [
      get('/articles/4/free'),
      // The function behind it writes: a replica refuses, once.
      get('/articles/5/text'),
      get('/articles/6/text'),
    ],
  },
  {
    title: 'A read that must not be a moment old asks for the primary',
    requests: [get('/articles/7?fresh')],
  },
]

/** Made all at once. */
export const CROWD: Chapter = {
  title: 'Twenty-four requests at once, each with a replica of its own choice',
  requests: Array.from({ length: 6 }, (_, round) => [
    get('/articles'),
    get(`/articles/${round + 1}`),
    get(`/users/${1 + (round % 3)}`),
    [
      post('/articles', { title: `Number ${round}`, author: 2 }),
      put(`/articles/${round + 1}`, { title: 'New' }),
      get('/report'),
    ][round % 3]!,
  ]).flat(),
}

/** @throws {Error} when the application does not answer with success */
export async function perform(base: string, { method, path, body }: DemoRequest): Promise<void> {
  const response = await fetch(new URL(path, base), {
    method,
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`)
}
