package org.flussgo.flink.sink;

import java.io.Serializable;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;

/** Makes the rows that a sink writes of what it gets. The kind of a row says what is done: INSERT and UPDATE_AFTER write it, DELETE deletes it. */
@FunctionalInterface
public interface RowWriter<T> extends Serializable {
    /**
     * Called once, before the first record, with the columns of the rows to make: those of the table.
     *
     * @throws IllegalArgumentException when rows of these columns cannot be made, which ends the job
     */
    default void open(RowType type) {}

    /** The row of a record, with all columns of the table; it is looked at before the next call. */
    RowData write(T record) throws Exception;

    /** Rows that are rows already. */
    static RowWriter<RowData> rows() {
        return r -> r;
    }

    /** Rows in the form for programs: values of classes as java.time.LocalDate, by position or by name. */
    static RowWriter<Row> ofRows() {
        return new ExternalRows();
    }

    /** Objects with a public field or a getter for each column, which may be called as the column or, for {@code order_key}, orderKey. */
    static <P> RowWriter<P> ofPojos(Class<P> type) {
        return new PojoRows<>(type);
    }
}
