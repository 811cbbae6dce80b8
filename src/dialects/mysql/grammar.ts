/** Words of MySQL and MariaDB that stand before a parenthesis without being a function. */
export const GRAMMAR = `
  accessible against all alter and any array as asc avg_row_length between bigint binary bit blob body bool boolean
  both by case char character check collate column columns comment conflict constraint cross cube dec
  decimal desc describe distinct distinctrow div double duplicate dynamic else elseif enum error escape
  exists explain except extended fields filter fixed float float4 float8 following for force foreign from
  fulltext geometry group having hash ignore in including index inner int int1 int2 int3 int4 int8 integer
  intersect interval into is join key keys lateral leading less like limit linear list local lock long
  longblob longtext materialized maxvalue member mediumblob mediumint mediumtext middleint national natural
  nchar nested not null numeric nvarchar of offset on or order outer over partition partitions path
  precision preceding primary procedure quick range real recursive references regexp returning returns rlike
  rollup rows separator set sets smallint some soname sounds spatial sql_big_result sql_buffer_result
  sql_cache sql_calc_found_rows sql_no_cache sql_small_result straight_join subpartition table temporary
  than then tinyblob tinyint tinytext to trailing unbounded union unique unsigned until update use using
  varbinary varchar varcharacter varying vector view when where while window with within xor zerofill member
  ordinality select sql_tsi_day
`
