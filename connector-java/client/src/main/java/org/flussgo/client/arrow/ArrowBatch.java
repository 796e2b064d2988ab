package org.flussgo.client.arrow;

import java.util.List;
import org.flussgo.proto.v1.Field;

/** Rows that were read: a vector for each column. Immutable. */
public final class ArrowBatch {
    private final int rows;
    private final Vector[] columns;
    private final List<Field> fields;

    ArrowBatch(int rows, Vector[] columns, List<Field> fields) {
        this.rows = rows;
        this.columns = columns;
        this.fields = fields;
    }

    /** The number of rows; it may be more than 0 where there are no columns. */
    public int rows() {
        return rows;
    }

    /** The number of vectors: that of the columns, and one more for change types where a batch has them. */
    public int columns() {
        return columns.length;
    }

    /** The values of a column. */
    public Vector column(int i) {
        return columns[i];
    }

    /** The columns that it was read as; the caller does not change the list. */
    public List<Field> fields() {
        return fields;
    }
}
