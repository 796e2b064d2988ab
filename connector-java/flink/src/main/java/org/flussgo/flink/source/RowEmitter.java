package org.flussgo.flink.source;

import java.io.IOException;
import java.util.List;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.columnar.ColumnarRowData;
import org.apache.flink.table.data.columnar.vector.BytesColumnVector;
import org.apache.flink.table.data.columnar.vector.ColumnVector;
import org.apache.flink.table.data.columnar.vector.VectorizedColumnBatch;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.types.RowKind;
import org.flussgo.client.arrow.ArrowBatch;
import org.flussgo.client.arrow.Vector;
import org.flussgo.flink.row.ArrowRows;
import org.flussgo.proto.v1.SystemColumn;

/** Emits the rows of batches, all of one at once, so that a checkpoint never falls into it. */
final class RowEmitter<T> implements RecordEmitter<ScanBatch, T, SplitState> {
    private final ScanSpec spec;
    private final RowReader<T> reader;
    private final List<String> data;
    private final List<SystemColumn> system;
    private final Counter rowsIn;

    RowEmitter(ScanSpec spec, RowReader<T> reader, Counter rowsIn) {
        this.spec = spec;
        this.reader = reader;
        this.rowsIn = rowsIn;
        this.data = BucketScan.dataColumns(spec);
        this.system = BucketScan.systemColumns(spec);
    }

    @Override
    public void emitRecord(ScanBatch b, SourceOutput<T> output, SplitState state) throws Exception {
        if (b.batch == null) {
            output.collect(reader.read(GenericRowData.of(b.count)));
        } else {
            emit(b.batch.rows(), b.batch.metadata().getCommitTimestampMs(), output);
        }
        state.split = b.next;
    }

    private void emit(ArrowBatch rows, long committedAt, SourceOutput<T> output) throws Exception {
        int n = rows.rows();
        if (n == 0) {
            return;
        }
        VectorizedColumnBatch columns = columns(rows);
        Vector kinds = spec.emitsChanges() ? rows.column(at(SystemColumn.SYSTEM_COLUMN_CHANGE_TYPE)) : null;
        for (int i = 0; i < n; i++) {
            ColumnarRowData row = new ColumnarRowData(columns, i);
            if (kinds != null) {
                row.setRowKind(kind(kinds, i));
            }
            T record = reader.read(row);
            if (record == null) {
                continue; // the reader leaves the row out
            }
            if (committedAt > 0) {
                output.collect(record, committedAt);
            } else {
                output.collect(record);
            }
        }
        rowsIn.inc(n - 1L); // the batch itself was counted as one
    }

    private VectorizedColumnBatch columns(ArrowBatch rows) throws IOException {
        ColumnVector[] out = new ColumnVector[spec.outputs.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = column(rows, spec.outputs.get(i), spec.type.getTypeAt(i));
        }
        VectorizedColumnBatch batch = new VectorizedColumnBatch(out);
        batch.setNumRows(rows.rows());
        return batch;
    }

    private ColumnVector column(ArrowBatch rows, Output o, LogicalType planned) {
        switch (o.kind) {
            case DATA:
                return ArrowRows.vector(rows.column(data.indexOf(o.column)), planned);
            case BEFORE:
                return ArrowRows.vector(rows.column(0));
            case AFTER:
                return ArrowRows.vector(rows.column(1));
            case CHANGE_NAME:
                return new ChangeNames(rows.column(at(SystemColumn.SYSTEM_COLUMN_CHANGE_TYPE)), spec.what == ScanSpec.What.BINLOG);
            default:
                return ArrowRows.vector(rows.column(at(BucketScan.system(o.kind))));
        }
    }

    private int at(SystemColumn c) {
        int before = spec.what == ScanSpec.What.BINLOG ? 2 : data.size();
        return before + system.indexOf(c);
    }

    /** The kind that "+A", "+I", "-U", "+U" and "-D" stand for. */
    private static RowKind kind(Vector kinds, int i) {
        int start = kinds.start(i);
        boolean adds = kinds.data()[start] == '+';
        switch (kinds.data()[start + 1]) {
            case 'U':
                return adds ? RowKind.UPDATE_AFTER : RowKind.UPDATE_BEFORE;
            case 'D':
                return RowKind.DELETE;
            default:
                return RowKind.INSERT;
        }
    }

    /** Change types by the names that virtual tables have for them. */
    private static final class ChangeNames implements BytesColumnVector {
        private static final byte[] INSERT = ascii("insert");
        private static final byte[] BEFORE = ascii("update_before");
        private static final byte[] AFTER = ascii("update_after");
        private static final byte[] UPDATE = ascii("update");
        private static final byte[] DELETE = ascii("delete");

        private final Vector kinds;
        private final boolean pairs;

        ChangeNames(Vector kinds, boolean pairs) {
            this.kinds = kinds;
            this.pairs = pairs;
        }

        private static byte[] ascii(String s) {
            return s.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        }

        @Override
        public Bytes getBytes(int i) {
            byte[] name = name(kind(kinds, i));
            return new Bytes(name, 0, name.length);
        }

        private byte[] name(RowKind k) {
            switch (k) {
                case UPDATE_BEFORE:
                    return pairs ? UPDATE : BEFORE;
                case UPDATE_AFTER:
                    return pairs ? UPDATE : AFTER;
                case DELETE:
                    return DELETE;
                default:
                    return INSERT;
            }
        }

        @Override
        public boolean isNullAt(int i) {
            return false;
        }
    }
}
