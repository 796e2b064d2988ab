package org.flussgo.flink.sink;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.Partitioner;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.BucketHash;
import org.flussgo.flink.catalog.TypeConverter;
import org.flussgo.flink.row.FlinkValues;
import org.flussgo.proto.v1.Field;

/** Sends rows of one bucket to one writer, which keeps their order and makes batches of a good size. */
final class BucketShuffle implements KeySelector<RowData, Integer> {
    private static final long serialVersionUID = 1L;
    private static final int SPREAD = 1 << 16;

    private final RowType type;
    private final List<String> bucketKeys;
    private final List<String> partitionKeys;
    private final int buckets;
    private transient FlinkValues values;
    private transient BucketHash bucket;
    private transient BucketHash partition;

    private BucketShuffle(SinkSpec spec) {
        type = spec.type;
        bucketKeys = new ArrayList<>(spec.bucketKeys);
        partitionKeys = new ArrayList<>(spec.partitionKeys);
        buckets = spec.buckets;
    }

    /** Whether rows are shuffled: there is a key that says which bucket a row is in, and nobody switched it off. */
    static boolean useful(SinkSpec spec) {
        return spec.bucketShuffle && !spec.bucketKeys.isEmpty();
    }

    static DataStream<RowData> of(DataStream<RowData> rows, SinkSpec spec) {
        return rows.partitionCustom(new Modulo(), new BucketShuffle(spec));
    }

    @Override
    public Integer getKey(RowData row) {
        if (values == null) {
            List<Field> columns = new ArrayList<>();
            List<String> names = new ArrayList<>(bucketKeys);
            names.addAll(partitionKeys);
            int[] positions = new int[names.size()];
            for (int i = 0; i < positions.length; i++) {
                positions[i] = type.getFieldNames().indexOf(names.get(i));
                columns.add(Field.newBuilder().setName(names.get(i)).setType(TypeConverter.fromFlink(type.getTypeAt(positions[i]))).build());
            }
            values = new FlinkValues(type, positions);
            bucket = new BucketHash(columns, bucketKeys);
            partition = partitionKeys.isEmpty() ? null : new BucketHash(columns, partitionKeys);
        }
        values.of(row);
        int b = bucket.bucket(values, buckets);
        return partition == null ? b : partition.bucket(values, SPREAD) * 31 + b;
    }

    /** The writer of a number. */
    private static final class Modulo implements Partitioner<Integer> {
        private static final long serialVersionUID = 1L;

        @Override
        public int partition(Integer key, int writers) {
            return Math.floorMod(key, writers);
        }
    }
}
