export interface Article {
  readonly id: number
  readonly title: string
  readonly author_id: number
}

export interface User {
  readonly id: number
  readonly name: string
}

export interface Report {
  readonly articles: number
  readonly revisions: number
}

/** What the application does with its databases: written once with pg and once with mysql2, in each driver's own way. */
export interface Blog {
  latest(): Promise<Article[]>
  article(id: number): Promise<Article | undefined>
  /** The text of an article. The function that fetches it counts the view, which its call does not show. */
  text(id: number): Promise<string | null>
  /** Whether nobody is editing the article just now. */
  isFree(id: number): Promise<boolean>
  addArticle(title: string, authorId: number): Promise<number>
  rename(id: number, title: string): Promise<Article | undefined>
  /** Takes the next article that nobody has reviewed or is reviewing. */
  review(): Promise<Article | undefined>
  report(): Promise<Report>
  user(id: number): Promise<User | undefined>
  usersNamed(ids: readonly number[]): Promise<User[]>
  addUser(name: string): Promise<number>
}
