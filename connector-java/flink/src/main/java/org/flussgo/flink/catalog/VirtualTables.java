package org.flussgo.flink.catalog;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.catalog.ObjectPath;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.types.DataType;

/**
 * The tables that are views of others, named with a suffix: {@code t$changelog} has every change of {@code t} as a row of its own, and
 * {@code t$binlog}, of a primary-key table, every change with the row before and after it.
 */
public final class VirtualTables {
    /** What comes after the name of the table whose changes are read. */
    public static final String CHANGELOG = "$changelog";
    /** What comes after the name of the table whose changes are read in pairs. */
    public static final String BINLOG = "$binlog";
    /** What comes after the name of the table whose lake side would be read. */
    public static final String LAKE = "$lake";

    /** STRING NOT NULL: what happened to the row. */
    public static final String CHANGE_TYPE = "_change_type";
    /** BIGINT NOT NULL: the offset of the change in its bucket's log. */
    public static final String LOG_OFFSET = "_log_offset";
    /** TIMESTAMP_LTZ(3) NOT NULL: when the change was committed. */
    public static final String COMMIT_TIMESTAMP = "_commit_timestamp";
    /** The row before the change, of {@link #BINLOG}. */
    public static final String BEFORE = "before";
    /** The row after the change, of {@link #BINLOG}. */
    public static final String AFTER = "after";

    private VirtualTables() {}

    /** The suffix of a table's name from the first '$' on; "" when it has none, which is a real table. */
    public static String suffix(String table) {
        int at = table.indexOf('$');
        return at < 0 ? "" : table.substring(at);
    }

    /** The name of the real table. */
    public static String base(String table) {
        int at = table.indexOf('$');
        return at < 0 ? table : table.substring(0, at);
    }

    /** Whether the suffix is one that this release reads. */
    static boolean known(String suffix) {
        return suffix.equals(CHANGELOG) || suffix.equals(BINLOG);
    }

    /** Refuses a change of a virtual table. */
    static void refuse(ObjectPath path, String change) {
        String suffix = suffix(path.getObjectName());
        if (!suffix.isEmpty()) {
            throw new CatalogException("cannot " + change + " " + path.getFullName() + ": names with '$' are views of the table "
                    + base(path.getObjectName()) + " and follow it; change that one");
        }
    }

    /** The columns of the virtual table of a suffix over data columns of the names and types. */
    static Schema schema(String suffix, List<String> names, List<DataType> types, List<String> comments) {
        Schema.Builder b = Schema.newBuilder()
                .column(CHANGE_TYPE, DataTypes.STRING().notNull())
                .column(LOG_OFFSET, DataTypes.BIGINT().notNull())
                .column(COMMIT_TIMESTAMP, DataTypes.TIMESTAMP_LTZ(3).notNull());
        if (suffix.equals(CHANGELOG)) {
            for (int i = 0; i < names.size(); i++) {
                b.column(names.get(i), types.get(i));
                Optional.ofNullable(comments.get(i)).ifPresent(b::withComment);
            }
            return b.build();
        }
        List<DataTypes.Field> fields = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            fields.add(DataTypes.FIELD(names.get(i), types.get(i).nullable())); // as Flink has it in a row that may be null
        }
        return b.column(BEFORE, DataTypes.ROW(fields)).column(AFTER, DataTypes.ROW(fields)).build();
    }
}
