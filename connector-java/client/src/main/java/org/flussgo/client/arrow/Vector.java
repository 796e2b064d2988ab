package org.flussgo.client.arrow;

import java.math.BigInteger;
import org.flussgo.client.Types;
import org.flussgo.proto.v1.DataType;

/**
 * A column of a batch that was read: values of one type over the bytes as they were received. Values are asked for by the method of the
 * type, and only where they are not null; positions are from 0 to below {@link #length}. Immutable and thread-safe.
 */
public final class Vector {
    private final DataType type;
    private final int length;
    private final int nullCount;
    private final byte[] bytes;
    private final int validity; // position of the bitmap, or -1 when nothing is null
    private final int values; // position of the values, or of the data of texts
    private final int offsets; // position of the offsets, where the type has them
    private final int width; // of values of fixed width, in bytes
    private final Vector[] children;

    Vector(DataType type, int length, int nullCount, byte[] bytes, int validity, int offsets, int values, int width, Vector[] children) {
        this.type = type;
        this.length = length;
        this.nullCount = nullCount;
        this.bytes = bytes;
        this.validity = validity;
        this.offsets = offsets;
        this.values = values;
        this.width = width;
        this.children = children;
    }

    /** The type of the column. */
    public DataType type() {
        return type;
    }

    /** The number of values, nulls included. */
    public int length() {
        return length;
    }

    /** The number of nulls. */
    public int nullCount() {
        return nullCount;
    }

    /** Whether a value is null. */
    public boolean isNull(int i) {
        return validity >= 0 && (bytes[validity + (i >> 3)] >> (i & 7) & 1) == 0;
    }

    /** BOOLEAN. */
    public boolean getBoolean(int i) {
        return (bytes[values + (i >> 3)] >> (i & 7) & 1) != 0;
    }

    /** TINYINT. */
    public byte getByte(int i) {
        return bytes[values + i];
    }

    /** SMALLINT. */
    public short getShort(int i) {
        return Le.getShort(bytes, values + 2 * i);
    }

    /** INT, and DATE as days since 1970. */
    public int getInt(int i) {
        return Le.getInt(bytes, values + 4 * i);
    }

    /** BIGINT. */
    public long getLong(int i) {
        return Le.getLong(bytes, values + 8 * i);
    }

    /** FLOAT. */
    public float getFloat(int i) {
        return Float.intBitsToFloat(Le.getInt(bytes, values + 4 * i));
    }

    /** DOUBLE. */
    public double getDouble(int i) {
        return Double.longBitsToDouble(Le.getLong(bytes, values + 8 * i));
    }

    /** TIME, TIMESTAMP and TIMESTAMP_LTZ in the unit of the precision: see {@link Types#unitsPerSecond}. */
    public long getTime(int i) {
        return width == 4 ? Le.getInt(bytes, values + 4 * i) : Le.getLong(bytes, values + 8 * i);
    }

    /** The array that the bytes of texts and binaries lie in; not to be changed. */
    public byte[] data() {
        return bytes;
    }

    /** CHAR, STRING, BINARY, BYTES: where value i starts in {@link #data}. */
    public int start(int i) {
        return offsets < 0 ? values + i * width : values + Le.getInt(bytes, offsets + 4 * i);
    }

    /** CHAR, STRING, BINARY, BYTES: where value i ends in {@link #data}, exclusive. */
    public int end(int i) {
        return offsets < 0 ? values + (i + 1) * width : values + Le.getInt(bytes, offsets + 4 * i + 4);
    }

    /** DECIMAL with a precision of 18 at most: the unscaled value. */
    public long getSmallDecimal(int i) {
        return Le.getLong(bytes, values + Layout.DECIMAL_BYTES * i);
    }

    /** DECIMAL of any precision: the unscaled value. */
    public BigInteger getLargeDecimal(int i) {
        byte[] big = new byte[Layout.DECIMAL_BYTES];
        int at = values + Layout.DECIMAL_BYTES * i;
        for (int k = 0; k < Layout.DECIMAL_BYTES; k++) {
            big[k] = bytes[at + Layout.DECIMAL_BYTES - 1 - k];
        }
        return new BigInteger(big);
    }

    /** ROW: the vector of field k, of the same positions. ARRAY: its elements, k = 0. MAP: its keys, k = 0, and values, k = 1. */
    public Vector child(int k) {
        return children[k];
    }

    /** ARRAY, MAP: the position in the children of the first element of value i. */
    public int elementStart(int i) {
        return Le.getInt(bytes, offsets + 4 * i);
    }

    /** ARRAY, MAP: the position behind the last element of value i. */
    public int elementEnd(int i) {
        return Le.getInt(bytes, offsets + 4 * i + 4);
    }
}
