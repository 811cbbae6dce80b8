// A frame is what is remembered of one level of parentheses: a clause in the two low bits, and flags. It is a number,
// since a statement may have a million levels.

/** The bits of the clause. */
const CLAUSE = 3
/** Names here are not tables. */
export const NO_CLAUSE = 0
/** The next name is a table. */
export const EXPECT = 1
/** The name of a table is under way, and may go on with a dot. */
export const NAMED = 2
/** Within a list of tables: after a comma or a JOIN comes another one. */
export const LIST = 3

/** A parenthesis after the name of this table starts a list of columns, not the arguments of a function. */
export const TARGET = 4
/** One table, no list. */
export const SINGLE = 8
/** A query: FROM starts a list of tables. */
export const QUERY = 16
/** The parentheses of `OPERATOR(schema.+)`. */
export const OPERATOR_NAME = 32
/** Within the list of CTEs of a WITH. */
export const CTE_LIST = 64
/** The next name is that of a CTE. */
export const CTE_NAME = 128
/** The next USING starts a list of tables, as in `DELETE FROM t USING u`. */
export const USING_LIST = 256
/** The body of a CTE comes next, or is under way. */
export const CTE_BODY = 512
/** The CTEs of this list are known in their own bodies. */
export const CTE_RECURSIVE = 1024
/** The name is that of a table that is written to or defined, whichever CTEs there are. */
export const NO_CTE = 2048

/** All that is remembered of a list of CTEs. */
export const CTES = CTE_LIST | CTE_NAME | CTE_BODY | CTE_RECURSIVE

export const clauseOf = (frame: number): number => frame & CLAUSE

export const withClause = (frame: number, clause: number): number => (frame & ~CLAUSE) | clause

/** The frame outside every clause. */
export const withoutClause = (frame: number): number => frame & ~(CLAUSE | SINGLE | TARGET | NO_CTE)
