package org.flussgo.client.arrow;

import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.flussgo.client.TypeText;
import org.flussgo.client.Types;
import org.flussgo.proto.v1.DataType;
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
    void rowsAreThoseOfTheText(Codec codec) throws Exception {
        byte[] batch = golden(codec);
        ArrowBatch b = new BatchReader(COLUMNS).readBatch(batch, 0, batch.length);
        JsonArray want = JsonParser.parseString(Files.readString(DATA.resolve("v1.json"))).getAsJsonArray();
        assertThat(b.rows()).isEqualTo(want.size());
        for (int i = 0; i < b.rows(); i++) {
            List<Object> row = new ArrayList<>();
            for (int k = 0; k < COLUMNS.size(); k++) {
                row.add(tree(want.get(i).getAsJsonObject().get(COLUMNS.get(k).getName()), COLUMNS.get(k).getType()));
            }
            assertThat(Trees.of(b).get(i)).as("row %d", i).isEqualTo(row);
        }
    }

    /** A value as arrow-go writes it in JSON. */
    private static Object tree(JsonElement e, DataType t) {
        if (e.isJsonNull()) {
            return null;
        }
        return switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN -> e.getAsBoolean();
            case TYPE_KIND_TINYINT -> e.getAsByte();
            case TYPE_KIND_SMALLINT -> e.getAsShort();
            case TYPE_KIND_INT -> e.getAsInt();
            case TYPE_KIND_BIGINT, TYPE_KIND_TIMESTAMP -> e.getAsLong();
            case TYPE_KIND_FLOAT -> e.getAsFloat();
            case TYPE_KIND_DOUBLE -> e.getAsDouble();
            case TYPE_KIND_CHAR, TYPE_KIND_STRING -> e.getAsString();
            case TYPE_KIND_DECIMAL -> e.getAsBigDecimal().setScale(t.getScale()).unscaledValue();
            case TYPE_KIND_DATE -> (int) LocalDate.parse(e.getAsString()).toEpochDay();
            case TYPE_KIND_TIME -> LocalTime.parse(e.getAsString()).toNanoOfDay() / (1_000_000_000 / Types.unitsPerSecond(t.getPrecision()));
            case TYPE_KIND_BINARY, TYPE_KIND_BYTES -> ByteBuffer.wrap(Base64.getDecoder().decode(e.getAsString()));
            case TYPE_KIND_ARRAY -> e.getAsJsonArray().asList().stream().map(x -> tree(x, t.getFields(0).getType())).collect(toList());
            case TYPE_KIND_MAP, TYPE_KIND_ROW -> {
                List<Object> out = new ArrayList<>();
                if (e.isJsonArray()) {
                    e.getAsJsonArray().forEach(pair -> out.add(fields(pair.getAsJsonObject(), t)));
                    yield out;
                }
                yield fields(e.getAsJsonObject(), t);
            }
            default -> throw new AssertionError(t);
        };
    }

    private static List<Object> fields(JsonObject o, DataType t) {
        return t.getFieldsList().stream().map(f -> tree(o.get(f.getName()), f.getType())).collect(toList());
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
