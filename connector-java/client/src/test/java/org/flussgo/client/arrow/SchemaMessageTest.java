package org.flussgo.client.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.UnionMode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.flussgo.client.TypeText;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.TypeKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SchemaMessageTest {
    @Test
    void tellsColumnsThatArrowTells() {
        long seed = Trees.seed();
        for (long s = seed; s < seed + 200; s++) {
            List<org.flussgo.proto.v1.Field> columns = new Trees(s).columns();
            byte[] message = Oracle.schemaMessage(Oracle.schema(columns));
            assertThat(SchemaMessage.parse(message)).as("seed %d", s).isEqualTo(columns.stream().map(SchemaMessageTest::asArrowHasIt).toList());
        }
    }

    /** What is left of a column in Arrow: no CHAR, and only the precisions of units. */
    private static org.flussgo.proto.v1.Field asArrowHasIt(org.flussgo.proto.v1.Field f) {
        DataType.Builder t = f.getType().toBuilder();
        switch (t.getKind()) {
            case TYPE_KIND_CHAR -> t.setKind(TypeKind.TYPE_KIND_STRING).clearLength();
            case TYPE_KIND_TIME, TYPE_KIND_TIMESTAMP, TYPE_KIND_TIMESTAMP_LTZ -> t.setPrecision((t.getPrecision() + 2) / 3 * 3);
            default -> {
                List<org.flussgo.proto.v1.Field> fields = t.getFieldsList().stream().map(SchemaMessageTest::asArrowHasIt).toList();
                t.clearFields().addAllFields(fields);
            }
        }
        return f.toBuilder().setType(t).build();
    }

    @Test
    void idsAndNamesOfNestedFields() {
        Field element = new Field("item", meta(new ArrowType.Int(32, true), true, "3"), null);
        Field key = new Field("keys", meta(new ArrowType.Utf8(), true, "5"), null);
        Field value = new Field("values", meta(new ArrowType.Bool(), false, "6"), null);
        Field entries = new Field("whatever", FieldType.notNullable(new ArrowType.Struct()), List.of(key, value));
        List<org.flussgo.proto.v1.Field> got = SchemaMessage.parse(Oracle.schemaMessage(new Schema(List.of(
                new Field("a", meta(new ArrowType.List(), false, "2147483647"), List.of(element)),
                new Field("m", meta(new ArrowType.Map(false), true, "4"), List.of(entries)),
                new Field("z", meta(new ArrowType.Timestamp(TimeUnit.MICROSECOND, "Europe/Berlin"), true, "-1"), null),
                new Field("", meta(new ArrowType.Utf8(), true, "12345678901"), null)))));
        List<org.flussgo.proto.v1.Field> want = new ArrayList<>(
                TypeText.columns("a ARRAY<INT> NOT NULL, m MAP<STRING NOT NULL, BOOLEAN NOT NULL>, z TIMESTAMP_LTZ(6), x STRING"));
        int[] ids = {Integer.MAX_VALUE, 4, 0, 0};
        want.replaceAll(f -> f.toBuilder().setId(ids[want.indexOf(f)]).build());
        want.set(0, withIds(want.get(0), 3));
        want.set(1, withIds(want.get(1), 5, 6));
        want.set(3, want.get(3).toBuilder().setName("").build());
        assertThat(got).isEqualTo(want);
    }

    private static org.flussgo.proto.v1.Field withIds(org.flussgo.proto.v1.Field f, int... ids) {
        DataType.Builder t = f.getType().toBuilder();
        for (int k = 0; k < ids.length; k++) {
            t.setFields(k, t.getFields(k).toBuilder().setId(ids[k]));
        }
        return f.toBuilder().setType(t).build();
    }

    private static FieldType meta(ArrowType t, boolean nullable, String id) {
        return new FieldType(nullable, t, null, Map.of("other", "x", "PARQUET:field_id", id));
    }

    static List<ArrowType> unsupported() {
        return List.of(
                new ArrowType.Int(8, false), new ArrowType.Int(64, false), new ArrowType.FloatingPoint(FloatingPointPrecision.HALF),
                new ArrowType.LargeUtf8(), new ArrowType.LargeBinary(), new ArrowType.Utf8View(), new ArrowType.BinaryView(),
                new ArrowType.Date(DateUnit.MILLISECOND), new ArrowType.Duration(TimeUnit.SECOND), new ArrowType.Interval(IntervalUnit.DAY_TIME),
                new ArrowType.Decimal(40, 2, 256), new ArrowType.Decimal(4, 2, 32), new ArrowType.Null(),
                new ArrowType.Union(UnionMode.Sparse, new int[0]), new ArrowType.FixedSizeBinary(0), new ArrowType.Decimal(39, 2, 128),
                new ArrowType.Decimal(4, -2, 128), new ArrowType.Struct(), new ArrowType.FixedSizeBinary(-4));
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void typesThatNoColumnHas(ArrowType type) {
        byte[] message = Oracle.schemaMessage(new Schema(List.of(new Field("odd", FieldType.nullable(type), List.of()))));
        assertThatThrownBy(() -> SchemaMessage.parse(message))
                .isInstanceOf(CorruptBatchException.class).hasMessageContaining("column \"odd\"");
    }

    @Test
    void dictionaries() {
        DictionaryEncoding d = new DictionaryEncoding(1, false, new ArrowType.Int(32, true));
        byte[] message = Oracle.schemaMessage(new Schema(List.of(new Field("d", new FieldType(true, new ArrowType.Int(32, true), d), null))));
        assertThatThrownBy(() -> SchemaMessage.parse(message))
                .isInstanceOf(CorruptBatchException.class).hasMessageContaining("column \"d\" is dictionary-encoded");
    }

    @Test
    void bytesThatAreNoSchema() {
        byte[] batch = DifferentialTest.payload(Trees.encode(TypeText.columns("a INT"), Codec.NONE, List.of())).header();
        assertThatThrownBy(() -> SchemaMessage.parse(batch)).isInstanceOf(CorruptBatchException.class).hasMessageContaining("schema");
        assertThatThrownBy(() -> SchemaMessage.parse(new byte[0])).isInstanceOf(CorruptBatchException.class);
        byte[] schema = Oracle.schemaMessage(Oracle.schema(TypeText.columns("a INT")));
        assertThatThrownBy(() -> new BatchReader(List.of()).read(schema, new byte[0]))
                .isInstanceOf(CorruptBatchException.class).hasMessageContaining("record batch");
    }
}
