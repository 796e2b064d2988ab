package org.flussgo.client;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.flussgo.proto.v1.Field;

/** The columns of a batch of writes, by the rules of WriteFields in proto/table/keyed.go. */
final class WriteColumns {
    final List<Field> columns;
    /** Which of them are of the primary key; null for a log table. */
    final boolean[] keys;

    private WriteColumns(List<Field> columns, boolean[] keys) {
        this.columns = columns;
        this.keys = keys;
    }

    /**
     * @param targets the columns to write, or null for all
     * @throws FlussException UNKNOWN_COLUMN, and INVALID_ARGUMENT when a column of the key is left out, or one is there twice
     */
    static WriteColumns of(TableMetadata table, List<String> targets) {
        List<String> key = table.schema().getPrimaryKeyList();
        List<Field> chosen = new ArrayList<>();
        if (targets == null) {
            for (Field f : table.columns()) {
                if (!f.getName().equals(table.autoIncrement())) {
                    chosen.add(f);
                }
            }
        } else {
            Set<String> seen = new HashSet<>();
            for (String name : targets) {
                int i = table.indexOf(name);
                if (i < 0) {
                    throw Columns.unknown(name, "list of target columns", table.columns());
                }
                if (!seen.add(name)) {
                    throw refuse(name, "is named twice among the target columns");
                }
                chosen.add(table.columns().get(i));
            }
            for (String name : key) {
                if (!seen.contains(name)) {
                    throw refuse(name, "is in the primary key " + key + " and must be among the target columns");
                }
            }
        }
        if (!table.keyed()) {
            return new WriteColumns(chosen, null);
        }
        boolean[] keys = new boolean[chosen.size()];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = key.contains(chosen.get(i).getName());
            if (!keys[i]) {
                chosen.set(i, Columns.nullable(chosen.get(i))); // rows that delete have nulls there
            }
        }
        return new WriteColumns(chosen, keys);
    }

    private static FlussException refuse(String column, String fault) {
        return new FlussException(ErrorCode.INVALID_ARGUMENT, "column \"" + column + "\" " + fault, Map.of("column", column), null);
    }
}
