package org.flussgo.flink.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.FlussException;
import org.flussgo.client.Values;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlinkValuesTest {

    private static RowType type(DataType... types) {
        DataTypes.Field[] fields = new DataTypes.Field[types.length];
        for (int i = 0; i < types.length; i++) {
            fields[i] = DataTypes.FIELD("f" + i, types[i]);
        }
        return (RowType) DataTypes.ROW(fields).getLogicalType();
    }

    /** The row as it is, or as Flink sends it between tasks. */
    private static RowData form(RowData row, RowType type, boolean binary) {
        return binary ? new RowDataSerializer(type).toBinaryRow(row).copy() : row;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tellsScalarsOfEveryType(boolean binary) {
        RowType t = type(
                DataTypes.BOOLEAN(), DataTypes.TINYINT(), DataTypes.SMALLINT(), DataTypes.INT(), DataTypes.BIGINT(), DataTypes.FLOAT(),
                DataTypes.DOUBLE(), DataTypes.CHAR(2), DataTypes.VARCHAR(7), DataTypes.BINARY(2), DataTypes.BYTES(), DataTypes.DATE(),
                DataTypes.DECIMAL(18, 2), DataTypes.DECIMAL(38, 10));
        BigDecimal large = new BigDecimal("-1234567890123456789012345678.0123456789");
        Values v = new FlinkValues(t).of(form(GenericRowData.of(
                        true, (byte) -1, (short) -2, -3, Long.MIN_VALUE, -1.5f, 2.5, StringData.fromString("äö"), StringData.fromString("€"),
                        new byte[] {1, 2}, new byte[0], -719_162, DecimalData.fromBigDecimal(new BigDecimal("-9999999999999999.99"), 18, 2),
                        DecimalData.fromBigDecimal(large, 38, 10)), t, binary));
        assertThat(v.size()).isEqualTo(14);
        assertThat(v.getBoolean(0)).isTrue();
        assertThat(v.getByte(1)).isEqualTo((byte) -1);
        assertThat(v.getShort(2)).isEqualTo((short) -2);
        assertThat(v.getInt(3)).isEqualTo(-3);
        assertThat(v.getLong(4)).isEqualTo(Long.MIN_VALUE);
        assertThat(v.getFloat(5)).isEqualTo(-1.5f);
        assertThat(v.getDouble(6)).isEqualTo(2.5);
        assertThat(v.getBytes(7)).isEqualTo("äö".getBytes(StandardCharsets.UTF_8));
        assertThat(v.getBytes(8)).isEqualTo("€".getBytes(StandardCharsets.UTF_8));
        assertThat(v.getBytes(9)).containsExactly(1, 2);
        assertThat(v.getBytes(10)).isEmpty();
        assertThat(v.getInt(11)).isEqualTo(-719_162);
        assertThat(v.getSmallDecimal(12, 18, 2)).isEqualTo(-999_999_999_999_999_999L);
        assertThat(v.getLargeDecimal(13, 38, 10)).isEqualTo(large.unscaledValue());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tellsNulls(boolean binary) {
        DataType[] all = {
            DataTypes.INT(), DataTypes.STRING(), DataTypes.TIMESTAMP(9), DataTypes.DECIMAL(38, 1), DataTypes.ARRAY(DataTypes.INT()),
            DataTypes.MAP(DataTypes.STRING(), DataTypes.INT()), DataTypes.ROW(DataTypes.FIELD("x", DataTypes.INT()))
        };
        RowType t = type(all);
        Values v = new FlinkValues(t).of(form(new GenericRowData(all.length), t, binary));
        for (int i = 0; i < all.length; i++) {
            assertThat(v.isNull(i)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1969-12-31T23:59:59.999999999, 0, -1",
        "1969-12-31T23:59:59.999999999, 3, -1",
        "1969-12-31T23:59:59.999999999, 6, -1",
        "1969-12-31T23:59:59.999999999, 9, -1",
        "1969-12-31T23:59:59.999000001, 6, -1000",
        "1969-12-31T23:59:59.999000001, 7, -999999",
        "1900-01-01T00:00:00.000001, 6, -2208988799999999",
        "0001-01-01T00:00:00, 0, -62135596800",
        "9999-12-31T23:59:59.999999, 6, 253402300799999999",
        "1970-01-01T00:00:00.123456789, 1, 123",
        "1970-01-01T00:00:00.123456789, 4, 123456",
        "2262-04-11T23:47:16.854775807, 9, 9223372036854775807",
        "1677-09-21T00:12:43.145224193, 9, -9223372036854775807",
    })
    void countsMomentsFrom1970RoundedDown(String text, int precision, long expected) {
        LocalDateTime at = LocalDateTime.parse(text);
        RowType t = type(DataTypes.TIMESTAMP(9), DataTypes.TIMESTAMP_LTZ(9));
        for (boolean binary : new boolean[] {false, true}) {
            Values v = new FlinkValues(t).of(form(GenericRowData.of(
                            TimestampData.fromLocalDateTime(at), TimestampData.fromInstant(at.toInstant(java.time.ZoneOffset.UTC))), t, binary));
            assertThat(v.getTime(0, precision)).isEqualTo(expected);
            assertThat(v.getTime(1, precision)).isEqualTo(expected);
        }
    }

    @Test
    void momentsBeyondNanosecondsAreRefusedInWords() {
        RowType t = type(DataTypes.TIMESTAMP(3));
        for (String text : List.of("2262-04-11T23:47:16.855", "1677-01-01T00:00:00", "9999-12-31T23:59:59")) {
            Values v = new FlinkValues(t).of(GenericRowData.of(TimestampData.fromLocalDateTime(LocalDateTime.parse(text))));
            assertThatThrownBy(() -> v.getTime(0, 9)).isInstanceOf(FlussException.class).hasMessageContaining("1677 to 2262");
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 86399", "1, 86399123", "3, 86399123", "6, 86399123000", "9, 86399123000000"})
    void tellsTimesOfTheDay(int precision, long expected) {
        RowType t = type(DataTypes.TIME(3), DataTypes.ARRAY(DataTypes.TIME(3)));
        Values v = new FlinkValues(t).of(GenericRowData.of(86_399_123, new GenericArrayData(new int[] {86_399_123})));
        assertThat(v.getTime(0, precision)).isEqualTo(expected);
        assertThat(v.getArray(1).getTime(0, precision)).isEqualTo(expected);
    }

    @Test
    void bringsDecimalsToTheScaleOfTheColumn() {
        RowType t = type(DataTypes.DECIMAL(10, 2), DataTypes.DECIMAL(30, 2));
        DecimalData d = DecimalData.fromBigDecimal(new BigDecimal("1.5"), 4, 1);
        Values v = new FlinkValues(t).of(GenericRowData.of(d, d));
        assertThat(v.getSmallDecimal(0, 10, 2)).isEqualTo(150);
        assertThat(v.getLargeDecimal(1, 30, 2)).isEqualTo(BigInteger.valueOf(150));

        Values w = new FlinkValues(t).of(GenericRowData.of(DecimalData.fromBigDecimal(new BigDecimal("12345678901234567890"), 20, 0), null));
        assertThatThrownBy(() -> w.getSmallDecimal(0, 10, 2)).isInstanceOf(FlussException.class).hasMessageContaining("more digits");
    }

    @Test
    void widensWhatAColumnWasWidenedTo() {
        RowType t = type(DataTypes.TINYINT(), DataTypes.SMALLINT(), DataTypes.INT(), DataTypes.FLOAT(), DataTypes.DECIMAL(5, 2));
        Values v = new FlinkValues(t).of(GenericRowData.of((byte) -7, (short) -8, -9, 1.5f, DecimalData.fromBigDecimal(new BigDecimal("1.25"), 5, 2)));
        assertThat(v.getShort(0)).isEqualTo((short) -7);
        assertThat(v.getInt(0)).isEqualTo(-7);
        assertThat(v.getLong(0)).isEqualTo(-7);
        assertThat(v.getInt(1)).isEqualTo(-8);
        assertThat(v.getLong(1)).isEqualTo(-8);
        assertThat(v.getLong(2)).isEqualTo(-9);
        assertThat(v.getDouble(3)).isEqualTo(1.5);
        assertThat(v.getLargeDecimal(4, 38, 2)).isEqualTo(BigInteger.valueOf(125));
    }

    @Test
    void showsChosenPositions() {
        FlinkValues v = new FlinkValues(type(DataTypes.INT(), DataTypes.STRING(), DataTypes.BIGINT()), new int[] {2, -1, 0});
        v.of(GenericRowData.of(1, StringData.fromString("x"), 3L));
        assertThat(v.size()).isEqualTo(3);
        assertThat(v.getLong(0)).isEqualTo(3);
        assertThat(v.isNull(1)).isTrue();
        assertThat(v.getInt(2)).isEqualTo(1);
        v.of(GenericRowData.of(null, null, 4L));
        assertThat(v.getLong(0)).isEqualTo(4);
        assertThat(v.isNull(2)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tellsWhatIsNested(boolean binary) {
        DataType inner = DataTypes.ROW(
                DataTypes.FIELD("s", DataTypes.STRING()), DataTypes.FIELD("ts", DataTypes.TIMESTAMP(6)), DataTypes.FIELD("d", DataTypes.DECIMAL(20, 1)));
        RowType t = type(DataTypes.ARRAY(inner), DataTypes.MAP(DataTypes.STRING(), DataTypes.ARRAY(DataTypes.BIGINT())), inner);
        RowData row = GenericRowData.of(
                StringData.fromString("in"), TimestampData.fromEpochMillis(-1, 999_000), DecimalData.fromBigDecimal(new BigDecimal("7.5"), 20, 1));
        Values v = new FlinkValues(t).of(form(GenericRowData.of(
                        new GenericArrayData(new Object[] {row, null}),
                        new GenericMapData(Map.of(StringData.fromString("k"), new GenericArrayData(new Long[] {1L, null}))), row), t, binary));
        Values array = v.getArray(0);
        assertThat(array.size()).isEqualTo(2);
        assertThat(array.isNull(1)).isTrue();
        for (Values r : List.of(array.getRow(0, 3), v.getRow(2, 3))) {
            assertThat(r.size()).isEqualTo(3);
            assertThat(new String(r.getBytes(0), StandardCharsets.UTF_8)).isEqualTo("in");
            assertThat(r.getTime(1, 6)).isEqualTo(-1);
            assertThat(r.getLargeDecimal(2, 20, 1)).isEqualTo(BigInteger.valueOf(75));
        }
        assertThat(new String(v.getMapKeys(1).getBytes(0), StandardCharsets.UTF_8)).isEqualTo("k");
        Values numbers = v.getMapValues(1).getArray(0);
        assertThat(numbers.getLong(0)).isEqualTo(1);
        assertThat(numbers.isNull(1)).isTrue();
    }

    @Test
    void tellsRandomMomentsAsJavaDoes() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random r = new Random(seed);
        RowType t = type(DataTypes.TIMESTAMP(9));
        FlinkValues v = new FlinkValues(t);
        for (int i = 0; i < 10_000; i++) {
            Instant at = Instant.ofEpochSecond(r.nextInt() * 2L, r.nextInt(1_000_000_000));
            v.of(form(GenericRowData.of(TimestampData.fromInstant(at)), t, r.nextBoolean()));
            BigInteger nanos = BigInteger.valueOf(at.getEpochSecond()).multiply(BigInteger.valueOf(1_000_000_000)).add(BigInteger.valueOf(at.getNano()));
            int precision = r.nextInt(10);
            long unit = new long[] {1_000_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000, 1_000, 1_000, 1, 1, 1}[precision];
            BigInteger[] q = nanos.divideAndRemainder(BigInteger.valueOf(unit));
            long expected = q[1].signum() < 0 ? q[0].longValueExact() - 1 : q[0].longValueExact();
            assertThat(v.getTime(0, precision)).as("%s, %s", at, precision).isEqualTo(expected);
        }
    }
}
