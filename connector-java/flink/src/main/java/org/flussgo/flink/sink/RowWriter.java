package org.flussgo.flink.sink;

import java.io.Serializable;
import org.apache.flink.table.data.RowData;

/** Makes the rows that a sink writes of what it gets. The kind of a row says what is done: INSERT and UPDATE_AFTER write it, DELETE deletes it. */
public interface RowWriter<T> extends Serializable {
    /** The row of a record, with all columns that the sink was told of; it is looked at before the next call. */
    RowData write(T record) throws Exception;

    /** Rows that are rows already. */
    static RowWriter<RowData> rows() {
        return r -> r;
    }
}
