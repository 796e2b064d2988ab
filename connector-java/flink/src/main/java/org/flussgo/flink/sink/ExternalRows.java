package org.flussgo.flink.sink;

import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.conversion.DataStructureConverter;
import org.apache.flink.table.data.conversion.DataStructureConverters;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.utils.TypeConversions;
import org.apache.flink.types.Row;

/** Makes rows of those in the form for programs. */
final class ExternalRows implements RowWriter<Row> {
    private static final long serialVersionUID = 1L;

    private transient DataStructureConverter<Object, Object> converter;

    @Override
    public void open(RowType type) {
        converter = DataStructureConverters.getConverter(TypeConversions.fromLogicalToDataType(type));
        converter.open(Thread.currentThread().getContextClassLoader());
    }

    @Override
    public RowData write(Row record) {
        return (RowData) converter.toInternal(record);
    }
}
