package org.flussgo.client.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.flussgo.client.TypeText;
import org.flussgo.proto.v1.Field;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The batches that the server's tests keep: read, and written to the same bytes. */
class GoldenTest {
    private static final Path DATA = Path.of("../../proto/batch/testdata");
    private static final List<Field> COLUMNS = TypeText.columns(
            """
            b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT NOT NULL, i64 BIGINT, f FLOAT, d DOUBLE, c CHAR(400), s STRING,
            dec DECIMAL(38, 4), day DATE, t0 TIME(0), t9 TIME(9), ts3 TIMESTAMP(3), bin BINARY(5), bytes BYTES NOT NULL,
            a ARRAY<INT>, m MAP<STRING, BIGINT>, r ROW<x INT NOT NULL, y ARRAY<ROW<z STRING>>, w BOOLEAN>""");

    @ParameterizedTest
    @EnumSource(Codec.class)
    void readsWhatGoWrote(Codec codec) throws Exception {
        byte[] plain = golden(Codec.NONE);
        byte[] other = golden(codec);
        ArrowBatch b = new BatchReader(COLUMNS).readBatch(other, 0, other.length);
        assertThat(b.rows()).isEqualTo(24);
        byte[] again = encode(b, Codec.NONE);
        BatchWriter.number(again, Le.getLong(plain, BatchFormat.WRITER_ID), Le.getInt(plain, BatchFormat.SEQUENCE));
        assertThat(again).isEqualTo(plain);
    }

    @ParameterizedTest
    @EnumSource(Codec.class)
    void readsWhatItWrote(Codec codec) throws Exception {
        byte[] plain = golden(Codec.NONE);
        ArrowBatch b = new BatchReader(COLUMNS).readBatch(plain, 0, plain.length);
        byte[] written = encode(b, codec);
        ArrowBatch back = new BatchReader(COLUMNS).readBatch(written, 0, written.length);
        assertThat(encode(back, Codec.NONE)).isEqualTo(encode(b, Codec.NONE));
    }

    @Test
    void damageIsFound() throws Exception {
        byte[] good = golden(Codec.NONE);
        BatchReader r = new BatchReader(COLUMNS);
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 0x10;
            int at = i;
            try {
                r.readBatch(bad, 0, bad.length);
                assertThat(at).as("a changed byte that nobody noticed").isBetween(56, 127);
            } catch (CorruptBatchException e) {
                assertThat(e).hasMessageNotContaining("null");
            }
        }
    }

    private static byte[] encode(ArrowBatch b, Codec codec) throws Exception {
        int schemaId = Le.getInt(golden(Codec.NONE), BatchFormat.SCHEMA_ID);
        BatchWriter w = new BatchWriter(b.fields(), schemaId, false, codec);
        for (int i = 0; i < b.rows(); i++) {
            w.add(VectorRow.of(b, i), null, (byte) 1);
        }
        return w.encode();
    }

    private static byte[] golden(Codec codec) throws Exception {
        String name = codec == Codec.NONE ? "none" : codec == Codec.ZSTD ? "zstd" : "lz4_frame";
        return Files.readAllBytes(DATA.resolve("v1_" + name + ".batch"));
    }

    @Test
    void changeTypesOfManyRows() throws Exception {
        byte[] plain = golden(Codec.NONE);
        ArrowBatch b = new BatchReader(COLUMNS).readBatch(plain, 0, plain.length);
        BatchWriter w = new BatchWriter(COLUMNS, 7, true, Codec.NONE, null);
        int rows = 1000;
        for (int i = 0; i < rows; i++) {
            w.add(VectorRow.of(b, i % b.rows()), null, (byte) (i % 4 + 1));
        }
        byte[] batch = w.encode();
        ArrowBatch back = new BatchReader(COLUMNS).readBatch(batch, 0, batch.length);
        assertThat(back.rows()).isEqualTo(rows);
        for (int i = 0; i < rows; i++) {
            assertThat(back.column(COLUMNS.size()).getByte(i)).isEqualTo((byte) (i % 4 + 1));
        }
    }
}
