package org.flussgo.client;

/**
 * A row, or the elements of an array, to be written: values by position, each asked for by the method of its column's type. Positions are
 * those of the columns or elements. A value may be asked for more than once and must not change until the call it was handed to returns.
 *
 * <p>Flink's rows, and any other, are written through an adapter of this interface, so that they are never copied into rows of our own.
 */
public interface Values {
    /** The number of columns or elements. */
    int size();

    /** Whether the value is null; the other methods are only called when it is not. */
    boolean isNull(int i);

    /** BOOLEAN. */
    boolean getBoolean(int i);

    /** TINYINT. */
    byte getByte(int i);

    /** SMALLINT. */
    short getShort(int i);

    /** INT, and DATE as days since 1970. */
    int getInt(int i);

    /** BIGINT. */
    long getLong(int i);

    /** FLOAT. */
    float getFloat(int i);

    /** DOUBLE. */
    double getDouble(int i);

    /**
     * TIME, TIMESTAMP and TIMESTAMP_LTZ in the unit of the precision: seconds for 0, milliseconds up to 3, microseconds up to 6, else
     * nanoseconds, of the day or since 1970, rounded down.
     */
    long getTime(int i, int precision);

    /** CHAR and STRING as UTF-8, BINARY and BYTES: the bytes, which the caller does not change. */
    byte[] getBytes(int i);

    /** DECIMAL with a precision of 18 at most: the unscaled value of the column's scale. */
    long getSmallDecimal(int i, int precision, int scale);

    /** DECIMAL with a greater precision: the unscaled value of the column's scale. */
    java.math.BigInteger getLargeDecimal(int i, int precision, int scale);

    /** ARRAY: its elements. */
    Values getArray(int i);

    /** MAP: its keys. */
    Values getMapKeys(int i);

    /** MAP: its values, in the order of the keys. */
    Values getMapValues(int i);

    /** ROW of so many fields. */
    Values getRow(int i, int fields);
}
