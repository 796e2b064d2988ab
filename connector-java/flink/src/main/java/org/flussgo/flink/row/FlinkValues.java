package org.flussgo.flink.row;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.NullType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;
import org.flussgo.client.Types;
import org.flussgo.client.Values;

/** Flink's rows as values to write. One adapter is pointed at row after row; it is not thread-safe. */
public final class FlinkValues implements Values {
    private final LogicalType[] types;
    private final int[] positions;
    private RowData row;

    /** An adapter of rows of the type. */
    public FlinkValues(RowType type) {
        this(type, null);
    }

    /**
     * An adapter that shows field {@code positions[i]} of rows as value i, and a null where that is below 0; null: each where it is.
     * Values may be asked for as a wider type than the row has them in: columns are widened while jobs run.
     */
    public FlinkValues(RowType type, int[] positions) {
        int n = positions == null ? type.getFieldCount() : positions.length;
        this.positions = positions;
        this.types = new LogicalType[n];
        for (int i = 0; i < n; i++) {
            types[i] = at(i) < 0 ? new NullType() : type.getTypeAt(at(i));
        }
    }

    /** Points the adapter at a row and returns it. */
    public FlinkValues of(RowData to) {
        row = to;
        return this;
    }

    private int at(int i) {
        return positions == null ? i : positions[i];
    }

    @Override
    public int size() {
        return types.length;
    }

    @Override
    public boolean isNull(int i) {
        return at(i) < 0 || row.isNullAt(at(i));
    }

    @Override
    public boolean getBoolean(int i) {
        return row.getBoolean(at(i));
    }

    @Override
    public byte getByte(int i) {
        return row.getByte(at(i));
    }

    @Override
    public short getShort(int i) {
        return types[i].getTypeRoot() == LogicalTypeRoot.TINYINT ? row.getByte(at(i)) : row.getShort(at(i));
    }

    @Override
    public int getInt(int i) {
        switch (types[i].getTypeRoot()) {
            case TINYINT:
            case SMALLINT:
                return getShort(i);
            default:
                return row.getInt(at(i));
        }
    }

    @Override
    public long getLong(int i) {
        return types[i].getTypeRoot() == LogicalTypeRoot.BIGINT ? row.getLong(at(i)) : getInt(i);
    }

    @Override
    public float getFloat(int i) {
        return row.getFloat(at(i));
    }

    @Override
    public double getDouble(int i) {
        return types[i].getTypeRoot() == LogicalTypeRoot.FLOAT ? row.getFloat(at(i)) : row.getDouble(at(i));
    }

    @Override
    public long getTime(int i, int precision) {
        if (types[i].getTypeRoot() == LogicalTypeRoot.TIME_WITHOUT_TIME_ZONE) {
            return timeOfDay(row.getInt(at(i)), precision);
        }
        return moment(row.getTimestamp(at(i), LogicalTypeChecks.getPrecision(types[i])), precision);
    }

    @Override
    public byte[] getBytes(int i) {
        return text(types[i]) ? row.getString(at(i)).toBytes() : row.getBinary(at(i));
    }

    @Override
    public long getSmallDecimal(int i, int precision, int scale) {
        return small(decimal(i), scale);
    }

    @Override
    public BigInteger getLargeDecimal(int i, int precision, int scale) {
        return unscaled(decimal(i), scale);
    }

    private DecimalData decimal(int i) {
        return row.getDecimal(at(i), LogicalTypeChecks.getPrecision(types[i]), LogicalTypeChecks.getScale(types[i]));
    }

    @Override
    public Values getArray(int i) {
        return new Elements(row.getArray(at(i)), ((ArrayType) types[i]).getElementType());
    }

    @Override
    public Values getMapKeys(int i) {
        return new Elements(row.getMap(at(i)).keyArray(), ((MapType) types[i]).getKeyType());
    }

    @Override
    public Values getMapValues(int i) {
        return new Elements(row.getMap(at(i)).valueArray(), ((MapType) types[i]).getValueType());
    }

    @Override
    public Values getRow(int i, int fields) {
        return new FlinkValues((RowType) types[i]).of(row.getRow(at(i), fields));
    }

    private static boolean text(LogicalType t) {
        LogicalTypeRoot root = t.getTypeRoot();
        return root == LogicalTypeRoot.VARCHAR || root == LogicalTypeRoot.CHAR;
    }

    private static long timeOfDay(int millis, int precision) {
        long unit = Types.unitsPerSecond(precision);
        return unit == 1 ? millis / 1000 : millis * (unit / 1000);
    }

    /** A moment in the unit of a precision, rounded down. */
    static long moment(TimestampData t, int precision) {
        long unit = Types.unitsPerSecond(precision);
        if (unit == 1) {
            return Math.floorDiv(t.getMillisecond(), 1000L);
        }
        long perMilli = unit / 1000;
        try {
            long within = t.getNanoOfMillisecond() / (1_000_000 / perMilli);
            // Toward zero, so that the first moments of the range do not leave it on the way.
            long up = t.getMillisecond() < 0 ? 1 : 0;
            return Math.addExact(Math.multiplyExact(t.getMillisecond() + up, perMilli), within - up * perMilli);
        } catch (ArithmeticException e) {
            throw new FlussException(ErrorCode.INVALID_BATCH,
                    "the time " + t + " is out of the range of a column with " + precision + " digits of a second (1677 to 2262 for 7 to 9)");
        }
    }

    private static long small(DecimalData d, int scale) {
        if (d.isCompact() && d.scale() == scale) {
            return d.toUnscaledLong();
        }
        BigInteger v = unscaled(d, scale);
        if (v.bitLength() > Long.SIZE - 1) {
            throw new FlussException(ErrorCode.INVALID_BATCH, "the decimal " + d + " has more digits than its column");
        }
        return v.longValue();
    }

    private static BigInteger unscaled(DecimalData d, int scale) {
        BigDecimal v = d.toBigDecimal();
        return v.scale() == scale ? v.unscaledValue() : v.setScale(scale, RoundingMode.HALF_UP).unscaledValue();
    }

    /** The elements of an array, or the keys or values of a map. */
    private static final class Elements implements Values {
        private final ArrayData array;
        private final LogicalType type;

        Elements(ArrayData array, LogicalType type) {
            this.array = array;
            this.type = type;
        }

        @Override
        public int size() {
            return array.size();
        }

        @Override
        public boolean isNull(int i) {
            return array.isNullAt(i);
        }

        @Override
        public boolean getBoolean(int i) {
            return array.getBoolean(i);
        }

        @Override
        public byte getByte(int i) {
            return array.getByte(i);
        }

        @Override
        public short getShort(int i) {
            return array.getShort(i);
        }

        @Override
        public int getInt(int i) {
            return array.getInt(i);
        }

        @Override
        public long getLong(int i) {
            return array.getLong(i);
        }

        @Override
        public float getFloat(int i) {
            return array.getFloat(i);
        }

        @Override
        public double getDouble(int i) {
            return array.getDouble(i);
        }

        @Override
        public long getTime(int i, int precision) {
            if (type.getTypeRoot() == LogicalTypeRoot.TIME_WITHOUT_TIME_ZONE) {
                return timeOfDay(array.getInt(i), precision);
            }
            return moment(array.getTimestamp(i, LogicalTypeChecks.getPrecision(type)), precision);
        }

        @Override
        public byte[] getBytes(int i) {
            return text(type) ? array.getString(i).toBytes() : array.getBinary(i);
        }

        @Override
        public long getSmallDecimal(int i, int precision, int scale) {
            return small(decimal(i), scale);
        }

        @Override
        public BigInteger getLargeDecimal(int i, int precision, int scale) {
            return unscaled(decimal(i), scale);
        }

        private DecimalData decimal(int i) {
            return array.getDecimal(i, LogicalTypeChecks.getPrecision(type), LogicalTypeChecks.getScale(type));
        }

        @Override
        public Values getArray(int i) {
            return new Elements(array.getArray(i), ((ArrayType) type).getElementType());
        }

        @Override
        public Values getMapKeys(int i) {
            MapData m = array.getMap(i);
            return new Elements(m.keyArray(), ((MapType) type).getKeyType());
        }

        @Override
        public Values getMapValues(int i) {
            MapData m = array.getMap(i);
            return new Elements(m.valueArray(), ((MapType) type).getValueType());
        }

        @Override
        public Values getRow(int i, int fields) {
            return new FlinkValues((RowType) type).of(array.getRow(i, fields));
        }
    }
}
