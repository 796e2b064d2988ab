package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.flink.Connection;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.Schema;
import org.flussgo.proto.v1.TableDescriptor;
import org.flussgo.proto.v1.TableInfo;
import org.junit.jupiter.api.Test;

class WritePlanTest {
    private static final Connection HERE = new Connection("localhost:1", Duration.ofSeconds(1), Duration.ofSeconds(1), "d", "t");

    /** A version of a schema, its columns as "id:name". */
    private static Schema schema(String... columns) {
        Schema.Builder b = Schema.newBuilder();
        for (String c : columns) {
            String[] parts = c.split(":");
            b.addColumns(Field.newBuilder().setId(Integer.parseInt(parts[0])).setName(parts[1]));
        }
        return b.build();
    }

    private static int[] positions(List<String> job, Schema... versions) {
        Schema newest = versions[versions.length - 1];
        TableInfo info = TableInfo.newBuilder()
                .setDescriptor(TableDescriptor.newBuilder().setSchema(newest))
                .addAllSchemas(List.of(versions))
                .build();
        RowType type = RowType.of(job.stream().map(n -> new IntType()).toArray(LogicalType[]::new), job.toArray(new String[0]));
        SinkSpec spec = new SinkSpec(HERE, type, List.of(), List.of(), List.of(), 1);
        return WritePlan.of(spec, info).positions(new ArrayList<>(newest.getColumnsList()));
    }

    @Test
    void findsColumnsByName() {
        assertThat(positions(List.of("a", "b"), schema("1:a", "2:b"))).containsExactly(0, 1);
        assertThat(positions(List.of("b", "a"), schema("1:a", "2:b"))).containsExactly(1, 0);
    }

    @Test
    void columnsThatCameAreNullAndThoseThatWentAreDropped() {
        assertThat(positions(List.of("a", "b"), schema("1:a", "2:b"), schema("1:a", "3:c"))).containsExactly(0, -1);
    }

    @Test
    void findsRenamedColumnsByTheirId() {
        assertThat(positions(List.of("a", "b"), schema("1:a", "2:b"), schema("1:x", "2:b"), schema("1:y", "2:b", "3:z"))).containsExactly(0, 1, -1);
        // b took the name of a, and a another: a job that knows both goes by the names
        assertThat(positions(List.of("a", "b"), schema("1:a", "2:b"), schema("1:c", "2:b"), schema("1:c", "2:a"))).containsExactly(-1, 0);
        // b was dropped, and another b came and went
        assertThat(positions(List.of("a", "b"), schema("1:a", "2:b"), schema("1:a"), schema("1:a", "3:b"), schema("1:a", "3:c"))).containsExactly(0, 1);
    }
}
