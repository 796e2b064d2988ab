package org.flussgo.flink.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.java.typeutils.runtime.kryo.KryoSerializer;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RawType;
import org.apache.flink.table.types.logical.utils.LogicalTypeParser;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TypeConverterTest {
    private static LogicalType parse(String text) {
        return LogicalTypeParser.parse(text, TypeConverterTest.class.getClassLoader());
    }

    static Stream<String> same() {
        return Stream.of(
                "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "CHAR(1)", "CHAR(77)", "STRING", "BINARY(1)",
                "BINARY(16)", "BYTES", "DECIMAL(1, 0)", "DECIMAL(38, 38)", "DATE", "TIME(0)", "TIME(9)", "TIMESTAMP(0)", "TIMESTAMP(9)",
                "TIMESTAMP_LTZ(0)", "TIMESTAMP_LTZ(9)", "ARRAY<INT>", "ARRAY<ARRAY<STRING NOT NULL> NOT NULL>", "MAP<STRING, INT NOT NULL>",
                "ROW<`a` INT 'why', `b c` ROW<`d` MAP<INT, DATE>>>");
    }

    @ParameterizedTest
    @MethodSource("same")
    void comesBackAsItWas(String text) {
        for (LogicalType t : List.of(parse(text), parse(text + " NOT NULL"))) {
            assertThat(TypeConverter.toFlink(TypeConverter.fromFlink(t))).isEqualTo(t);
            assertThat(TypeConverter.toFlinkDataType(TypeConverter.fromFlink(t)).getLogicalType()).isEqualTo(t);
        }
    }

    @Test
    void theServerHasNoLengthOfText() {
        assertThat(TypeConverter.fromFlink(parse("VARCHAR(10)")).getKind()).isEqualTo(TypeKind.TYPE_KIND_STRING);
        assertThat(TypeConverter.fromFlink(parse("VARBINARY(10)")).getKind()).isEqualTo(TypeKind.TYPE_KIND_BYTES);
        assertThat(TypeConverter.toFlink(TypeConverter.fromFlink(parse("ARRAY<VARCHAR(3)>")))).isEqualTo(parse("ARRAY<STRING>"));
    }

    @Test
    void keysOfMapsAreNotNullOnTheServerAndNullableHere() {
        DataType map = TypeConverter.fromFlink(parse("MAP<STRING, INT>"));
        assertThat(map.getFields(0)).returns("key", Field::getName).returns(false, f -> f.getType().getNullable());
        assertThat(map.getFields(1)).returns("value", Field::getName).returns(true, f -> f.getType().getNullable());
        assertThat(TypeConverter.toFlink(map)).isEqualTo(parse("MAP<STRING, INT>"));
        assertThat(TypeConverter.fromFlink(parse("ARRAY<INT>")).getFields(0).getName()).isEqualTo("element");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "INTERVAL DAY", "INTERVAL YEAR", "MULTISET<INT>", "TIMESTAMP(3) WITH TIME ZONE", "NULL", "ARRAY<INTERVAL DAY>",
        "ROW<`a` MULTISET<INT>>"
    })
    void typesThatTablesDoNotHave(String text) {
        assertThatThrownBy(() -> TypeConverter.fromFlink("price", parse(text)))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("column \"price\"")
                .hasMessageContaining("do not have");
    }

    @Test
    void rawIsRefused() {
        LogicalType raw = new RawType<>(Object.class, new KryoSerializer<>(Object.class, new SerializerConfigImpl()));
        assertThatThrownBy(() -> TypeConverter.fromFlink("r", raw)).isInstanceOf(ValidationException.class).hasMessageContaining("\"r\"");
    }

    @Test
    void aKindFromTheFuture() {
        assertThatThrownBy(() -> TypeConverter.toFlink(DataType.newBuilder().setKindValue(99).build()))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("99")
                .hasMessageContaining("newer connector");
    }

    @Test
    void columnsAsARow() {
        Field a = Field.newBuilder().setName("a").setType(TypeConverter.fromFlink(parse("INT NOT NULL"))).build();
        Field b = Field.newBuilder().setName("b").setType(TypeConverter.fromFlink(parse("STRING"))).setComment("c").build();
        assertThat(TypeConverter.rowType(List.of(a, b))).isEqualTo(parse("ROW<`a` INT NOT NULL, `b` STRING 'c'> NOT NULL"));
    }
}
