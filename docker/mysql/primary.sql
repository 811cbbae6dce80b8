-- Every server has made the accounts by itself, so that they are not to be replicated: history begins here.
reset binary logs and gtids;
