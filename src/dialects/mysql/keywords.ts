/** The keywords that statements of MySQL and MariaDB are read by. */
export const KEYWORDS = `
  select with values table show explain describe desc help analyze insert update delete replace truncate
  create alter drop lock set begin start commit rollback savepoint release prepare execute handler flush
  rename grant revoke from join straight_join into using for as where group having order limit offset fetch
  union intersect except window returning on lateral recursive share key in distinct dual to read write only
  not transaction work no chain snapshot consistent extended partitions format schema
  database global persist persist_only session local temporary if exists low_priority high_priority delayed
  ignore quick or view index unique trigger procedure function event references sql_calc_found_rows password
  default tables export outfile dumpfile aggregate definer columns fields indexes keys full immediate
  like
`
