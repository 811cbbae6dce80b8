export const articlesSchema = [
  `CREATE TABLE articles (
     id int AUTO_INCREMENT PRIMARY KEY, title text NOT NULL, author_id int NOT NULL,
     reviewed boolean NOT NULL DEFAULT false, views int NOT NULL DEFAULT 0)`,
  `CREATE TABLE revisions (id int AUTO_INCREMENT PRIMARY KEY, article_id int NOT NULL, title text NOT NULL)`,
  `CREATE FUNCTION article_text(article int) RETURNS text MODIFIES SQL DATA
   BEGIN
     UPDATE articles SET views = views + 1 WHERE id = article;
     RETURN (SELECT concat('The text of ', title) FROM articles WHERE id = article);
   END`,
  `INSERT INTO articles (title, author_id) VALUES
     ('Article 1', 2), ('Article 2', 3), ('Article 3', 1), ('Article 4', 2), ('Article 5', 3), ('Article 6', 1),
     ('Article 7', 2), ('Article 8', 3), ('Article 9', 1)`,
]

export const usersSchema = [
  `CREATE TABLE t_user (id int AUTO_INCREMENT PRIMARY KEY, name text NOT NULL)`,
  `INSERT INTO t_user (name) VALUES ('Ada'), ('Grace'), ('Edsger')`,
]
