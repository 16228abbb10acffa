from parts.lib.table_set import TableSet as TableSet
