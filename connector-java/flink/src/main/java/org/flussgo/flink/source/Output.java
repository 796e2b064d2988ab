package org.flussgo.flink.source;

import java.io.Serializable;
import java.util.Objects;

/** A column of what a scan produces. */
public final class Output implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Where a column comes from. */
    public enum Kind {
        /** A column of the table. */
        DATA,
        /** The row as it was before a change; of binlogs. */
        BEFORE,
        /** The row as it is after a change; of binlogs. */
        AFTER,
        /** "+A", "+I", "-U", "+U", "-D". */
        CHANGE_TYPE,
        /** "insert", "update_before", "update_after", "delete"; of binlogs "update" for both. */
        CHANGE_NAME,
        BUCKET,
        OFFSET,
        TIMESTAMP
    }

    final Kind kind;
    final String column;

    private Output(Kind kind, String column) {
        this.kind = kind;
        this.column = column;
    }

    /** A column of the table. */
    public static Output data(String column) {
        return new Output(Kind.DATA, column);
    }

    /** Something that the server adds. */
    public static Output of(Kind kind) {
        return new Output(kind, null);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Output && ((Output) o).kind == kind && Objects.equals(((Output) o).column, column);
    }

    @Override
    public int hashCode() {
        return Objects.hash(kind, column);
    }

    @Override
    public String toString() {
        return kind == Kind.DATA ? column : kind.name().toLowerCase(java.util.Locale.ROOT);
    }
}
