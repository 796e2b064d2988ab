package org.flussgo.client;

import java.util.ArrayList;
import java.util.List;
import org.flussgo.proto.v1.Field;

/** What is asked of lists of columns everywhere. */
final class Columns {
    /** The precision up to which a decimal's unscaled value is a long. */
    static final int SMALL_DECIMAL_DIGITS = 18;

    private Columns() {}

    static int indexOf(List<Field> columns, String name) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).getName().equals(name)) {
                return i;
            }
        }
        return -1;
    }

    /** The positions of the columns with the names; {@code what} says what names them. */
    static int[] positions(List<Field> columns, List<String> names, String what) {
        int[] out = new int[names.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = indexOf(columns, names.get(i));
            if (out[i] < 0) {
                throw unknown(names.get(i), what, columns);
            }
        }
        return out;
    }

    static FlussException unknown(String name, String what, List<Field> columns) {
        return new FlussException(
                ErrorCode.UNKNOWN_COLUMN,
                "the " + what + " names column \"" + name + "\", which is not among the columns " + names(columns),
                java.util.Map.of("column", name),
                null);
    }

    static List<String> names(List<Field> columns) {
        List<String> out = new ArrayList<>(columns.size());
        for (Field f : columns) {
            out.add(f.getName());
        }
        return out;
    }

    /** The column as one that may be null. */
    static Field nullable(Field f) {
        return f.toBuilder().setType(f.getType().toBuilder().setNullable(true)).build();
    }
}
