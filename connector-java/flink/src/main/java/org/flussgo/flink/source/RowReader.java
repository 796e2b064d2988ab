package org.flussgo.flink.source;

import java.io.Serializable;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;

/** Makes what a source emits of the rows that are read. */
public interface RowReader<T> extends Serializable {
    /** The record of a row, or null to leave it out. The row looks into the batch that it came with: copy what is to stay for long. */
    T read(RowData row) throws Exception;

    /** The type of the records of rows of the type. */
    TypeInformation<T> producedType(RowType rowType);

    /** The rows as they are. */
    static RowReader<RowData> rows() {
        return new RowReader<RowData>() {
            private static final long serialVersionUID = 1L;

            @Override
            public RowData read(RowData row) {
                return row;
            }

            @Override
            public TypeInformation<RowData> producedType(RowType rowType) {
                return InternalTypeInfo.of(rowType);
            }
        };
    }
}
