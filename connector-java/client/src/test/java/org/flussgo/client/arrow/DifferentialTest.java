package org.flussgo.client.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.RecordBatch;
import org.flussgo.client.TypeText;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of any types, between this package and arrow-java. */
class DifferentialTest {
    private static final int ROUNDS = Trees.rounds(100);

    /** Every type, of every precision, whatever chance brings in the other tests. */
    @ParameterizedTest
    @EnumSource(Codec.class)
    void everyType(Codec codec) throws Exception {
        List<Field> columns = everyType();
        Set<TypeKind> kinds = EnumSet.allOf(TypeKind.class);
        kinds.removeAll(Set.of(TypeKind.TYPE_KIND_UNSPECIFIED, TypeKind.UNRECOGNIZED));
        columns.forEach(c -> kinds.remove(c.getType().getKind()));
        assertThat(kinds).as("types that are not tested").isEmpty();
        long seed = Trees.seed();
        List<List<Object>> rows = new Trees(seed).rows(columns, 60);
        byte[] batch = Trees.encode(columns, codec, rows);
        try (Oracle oracle = new Oracle()) {
            assertThat(oracle.read(columns, payload(batch))).as("seed %d", seed).isEqualTo(rows);
            Oracle.Payload p = oracle.write(columns, codec, rows, 0, rows.size());
            assertThat(Trees.of(new BatchReader(columns).read(p.header(), p.body()))).as("seed %d", seed).isEqualTo(rows);
        }
    }

    private static List<Field> everyType() {
        List<String> types = new ArrayList<>(List.of(
                "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "CHAR(1)", "CHAR(255)", "STRING", "DATE", "BINARY(1)",
                "BINARY(300)", "BYTES", "ARRAY<INT NOT NULL>", "ARRAY<ARRAY<DECIMAL(38, 38)>>", "MAP<STRING, BIGINT NOT NULL>",
                "MAP<ROW<k TIMESTAMP(9), l BOOLEAN>, MAP<INT, ARRAY<BYTES>>>", "ROW<a BOOLEAN, b ROW<c STRING, d ARRAY<ROW<e BINARY(3)>>>>"));
        IntStream.rangeClosed(0, 9).forEach(p -> types.addAll(List.of("TIME(" + p + ")", "TIMESTAMP(" + p + ")", "TIMESTAMP_LTZ(" + p + ")")));
        IntStream.rangeClosed(1, 38).forEach(p -> types.add("DECIMAL(" + p + ", " + p / 2 + ")"));
        List<String> columns = new ArrayList<>();
        types.forEach(t -> columns.addAll(List.of("n" + columns.size() + " " + t, "r" + columns.size() + " " + t + " NOT NULL")));
        return TypeText.columns(String.join(", ", columns));
    }

    @ParameterizedTest
    @EnumSource(Codec.class)
    void readsWhatArrowWrites(Codec codec) throws Exception {
        long seed = Trees.seed();
        int compressed = 0;
        try (Oracle oracle = new Oracle()) {
            for (long s = seed; s < seed + ROUNDS; s++) {
                Trees t = new Trees(s);
                Random r = new Random(s);
                List<Field> columns = t.columns();
                List<List<Object>> rows = t.rows(columns, r.nextInt(r.nextBoolean() ? 5 : 200));
                int from = r.nextInt(3) == 0 ? r.nextInt(rows.size() + 1) : 0;
                int to = columns.isEmpty() ? rows.size() : from + r.nextInt(rows.size() - from + 1);
                from = columns.isEmpty() ? 0 : from;
                Oracle.Payload p = oracle.write(columns, codec, rows, from, to);
                compressed += isCompressed(p) ? 1 : 0;
                ArrowBatch b = new BatchReader(columns).read(p.header(), p.body());
                assertThat(Trees.of(b)).as("seed %d, columns %s", s, columns).isEqualTo(rows.subList(from, to));
            }
        }
        assertThat(compressed > 0).as("arrow-java compressed %d batches", compressed).isEqualTo(codec != Codec.NONE);
    }

    private static boolean isCompressed(Oracle.Payload p) {
        return ((RecordBatch) Message.getRootAsMessage(ByteBuffer.wrap(p.header())).header(new RecordBatch())).compression() != null;
    }

    @ParameterizedTest
    @EnumSource(Codec.class)
    void arrowReadsWhatIsWritten(Codec codec) throws Exception {
        long seed = Trees.seed();
        try (Oracle oracle = new Oracle()) {
            for (long s = seed; s < seed + ROUNDS; s++) {
                Trees t = new Trees(s);
                List<Field> columns = t.columns();
                List<List<Object>> rows = t.rows(columns, new Random(s).nextInt(200));
                byte[] batch = Trees.encode(columns, codec, rows);
                assertThat(Trees.of(new BatchReader(columns).readBatch(batch, 0, batch.length))).as("seed %d", s).isEqualTo(rows);
                assertThat(oracle.read(columns, payload(batch))).as("seed %d, columns %s", s, columns).isEqualTo(rows);
            }
        }
    }

    /** The message and the body of a batch as FORMAT.md lays it out. */
    static Oracle.Payload payload(byte[] batch) {
        int meta = Le.getInt(batch, BatchFormat.METADATA_BYTES);
        int body = Le.getInt(batch, BatchFormat.BODY_BYTES);
        return new Oracle.Payload(
                Arrays.copyOfRange(batch, BatchFormat.HEADER_BYTES, BatchFormat.HEADER_BYTES + meta),
                Arrays.copyOfRange(batch, batch.length - body, batch.length));
    }

    @Test
    void buffersOfSeveralBlocks() throws Exception {
        List<Field> columns = TypeText.columns("a BIGINT, s STRING");
        List<List<Object>> rows = new ArrayList<>();
        Random r = new Random(7);
        for (int i = 0; i < 40_000; i++) {
            rows.add(Arrays.asList(i < 10_000 ? r.nextLong() : (long) i, "value " + i % 1000));
        }
        try (Oracle oracle = new Oracle()) {
            for (Codec codec : Codec.values()) {
                byte[] batch = Trees.encode(columns, codec, rows);
                assertThat(oracle.read(columns, payload(batch)).equals(rows)).isTrue();
                assertThat(Trees.of(new BatchReader(columns).readBatch(batch, 0, batch.length)).equals(rows)).isTrue();
            }
        }
    }

    /** A slice whose offsets do not start at 0, as other writers send it. */
    @Test
    void offsetsThatStartLater() {
        List<Field> columns = TypeText.columns("s STRING NOT NULL");
        byte[] batch = Trees.encode(columns, Codec.NONE, List.of(List.of("first"), List.of("second"), List.of(""), List.of("last")));
        Oracle.Payload p = payload(batch);
        byte[] h = p.header();
        int rows = 56;
        int node = 96;
        int offsets = node + 16 + 8 + 16; // behind the node, the number of buffers, and the validity
        Le.putLong(h, rows, 3);
        Le.putLong(h, node, 3);
        Le.putLong(h, offsets, Le.getLong(h, offsets) + 4);
        Le.putLong(h, offsets + 8, Le.getLong(h, offsets + 8) - 4);
        assertThat(Trees.of(new BatchReader(columns).read(h, p.body()))).isEqualTo(List.of(List.of("second"), List.of(""), List.of("last")));
    }
}
