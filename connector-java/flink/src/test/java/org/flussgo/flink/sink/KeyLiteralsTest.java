package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.List;
import java.util.Optional;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.expressions.CallExpression;
import org.apache.flink.table.expressions.FieldReferenceExpression;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.table.expressions.ValueLiteralExpression;
import org.apache.flink.table.functions.BuiltInFunctionDefinition;
import org.apache.flink.table.functions.BuiltInFunctionDefinitions;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;

class KeyLiteralsTest {
    private static final RowType AB = (RowType) DataTypes.ROW(
                    DataTypes.FIELD("x", DataTypes.STRING()), DataTypes.FIELD("a", DataTypes.INT()), DataTypes.FIELD("b", DataTypes.BOOLEAN()))
            .getLogicalType();

    private static FieldReferenceExpression column(String name, DataType t) {
        return new FieldReferenceExpression(name, t, 0, 0);
    }

    private static ResolvedExpression call(BuiltInFunctionDefinition f, ResolvedExpression... args) {
        return CallExpression.permanent(f, List.of(args), DataTypes.BOOLEAN());
    }

    private static ResolvedExpression equal(ResolvedExpression l, ResolvedExpression r) {
        return call(BuiltInFunctionDefinitions.EQUALS, l, r);
    }

    private static ValueLiteralExpression literal(Object v) {
        return new ValueLiteralExpression(v);
    }

    private static ResolvedExpression a(Object v) {
        return equal(column("a", DataTypes.INT()), literal(v));
    }

    private static final ResolvedExpression B = column("b", DataTypes.BOOLEAN());

    private static Optional<RowData> key(ResolvedExpression... filters) {
        return KeyLiterals.row(List.of(filters), AB, List.of("b", "a"));
    }

    @Test
    void takesOneEqualityForEachColumnOfTheKey() {
        RowData row = key(a(7), B).orElseThrow();
        assertThat(row.isNullAt(0)).isTrue();
        assertThat(row.getInt(1)).isEqualTo(7);
        assertThat(row.getBoolean(2)).isTrue();
        assertThat(key(equal(literal(7), column("a", DataTypes.INT())), call(BuiltInFunctionDefinitions.NOT, B)).orElseThrow().getBoolean(2)).isFalse();
        assertThat(key(call(BuiltInFunctionDefinitions.AND, a(7), equal(B, literal(true))))).isPresent();
    }

    @Test
    void leavesAllElseToAScan() {
        assertThat(key()).isEmpty();
        assertThat(key(a(7))).isEmpty();
        assertThat(key(a(7), a(8))).isEmpty();
        assertThat(key(a(7), a(7), B)).isEmpty();
        assertThat(key(a(7), B, equal(column("x", DataTypes.STRING()), literal("q")))).isEmpty();
        assertThat(key(call(BuiltInFunctionDefinitions.GREATER_THAN, column("a", DataTypes.INT()), literal(7)), B)).isEmpty();
        assertThat(key(call(BuiltInFunctionDefinitions.OR, a(7), a(8)), B)).isEmpty();
        assertThat(key(call(BuiltInFunctionDefinitions.NOT, a(7)), B)).isEmpty();
        assertThat(key(equal(column("a", DataTypes.INT()), column("x", DataTypes.STRING())), B)).isEmpty();
        assertThat(key(equal(column("a", DataTypes.INT()), new ValueLiteralExpression(null, DataTypes.INT())), B)).isEmpty();
    }

    private static Object value(DataType column, Object literal) {
        RowType t = (RowType) DataTypes.ROW(DataTypes.FIELD("k", column)).getLogicalType();
        return KeyLiterals.row(List.of(equal(column("k", column), literal(literal))), t, List.of("k"))
                .map(r -> RowData.createFieldGetter(t.getTypeAt(0), 0).getFieldOrNull(r))
                .orElse(null);
    }

    @Test
    void takesTheValuesOfEveryType() {
        assertThat(value(DataTypes.TINYINT(), -5)).isEqualTo((byte) -5);
        assertThat(value(DataTypes.SMALLINT(), (byte) 5)).isEqualTo((short) 5);
        assertThat(value(DataTypes.INT(), new BigDecimal("5.00"))).isEqualTo(5);
        assertThat(value(DataTypes.BIGINT(), 5)).isEqualTo(5L);
        assertThat(value(DataTypes.FLOAT(), 1.5f)).isEqualTo(1.5f);
        assertThat(value(DataTypes.DOUBLE(), 1.5)).isEqualTo(1.5);
        assertThat(value(DataTypes.DECIMAL(5, 2), new BigDecimal("1.5"))).isEqualTo(DecimalData.fromBigDecimal(new BigDecimal("1.50"), 5, 2));
        assertThat(value(DataTypes.DECIMAL(5, 2), 3)).isEqualTo(DecimalData.fromBigDecimal(new BigDecimal("3.00"), 5, 2));
        assertThat(value(DataTypes.CHAR(2), "äö")).isEqualTo(StringData.fromString("äö"));
        assertThat(value(DataTypes.STRING(), "")).isEqualTo(StringData.fromString(""));
        assertThat(value(DataTypes.BINARY(1), new byte[] {1})).isEqualTo(new byte[] {1});
        assertThat(value(DataTypes.BYTES(), new byte[0])).isEqualTo(new byte[0]);
        assertThat(value(DataTypes.DATE(), LocalDate.of(1969, 12, 31))).isEqualTo(-1);
        assertThat(value(DataTypes.TIME(0), LocalTime.of(0, 0, 1))).isEqualTo(1000);
        assertThat(value(DataTypes.TIMESTAMP(6), LocalDateTime.of(1969, 12, 31, 23, 59, 59, 999_999_000)))
                .isEqualTo(TimestampData.fromEpochMillis(-1, 999_000));
        assertThat(value(DataTypes.TIMESTAMP_LTZ(9), Instant.ofEpochSecond(-1, 1))).isEqualTo(TimestampData.fromEpochMillis(-1000, 1));
    }

    @Test
    void takesNoValueThatTheColumnDoesNotHoldExactly() {
        assertThat(value(DataTypes.TINYINT(), 257)).isNull();
        assertThat(value(DataTypes.INT(), new BigDecimal("5.5"))).isNull();
        assertThat(value(DataTypes.INT(), 5.0)).isNull();
        assertThat(value(DataTypes.BIGINT(), new BigDecimal("9223372036854775808"))).isNull();
        assertThat(value(DataTypes.DOUBLE(), -0.0)).isNull();
        assertThat(value(DataTypes.FLOAT(), Float.NaN)).isNull();
        assertThat(value(DataTypes.DECIMAL(5, 2), new BigDecimal("1.505"))).isNull();
        assertThat(value(DataTypes.DECIMAL(5, 2), new BigDecimal("1000"))).isNull();
        assertThat(value(DataTypes.CHAR(2), "x")).isNull();
        assertThat(value(DataTypes.BINARY(2), new byte[1])).isNull();
        assertThat(value(DataTypes.STRING(), 5)).isNull();
        assertThat(value(DataTypes.TIME(0), LocalTime.of(0, 0, 1, 1_000_000))).isNull();
        assertThat(value(DataTypes.TIMESTAMP(3), LocalDateTime.of(1970, 1, 1, 0, 0, 0, 1))).isNull();
        assertThat(value(DataTypes.TIMESTAMP_LTZ(0), Instant.ofEpochSecond(0, 1_000_000))).isNull();
        assertThat(value(DataTypes.ARRAY(DataTypes.INT()), 1)).isNull();
    }
}
