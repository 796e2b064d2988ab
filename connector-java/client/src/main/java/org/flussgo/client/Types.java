package org.flussgo.client;

import java.util.ArrayList;
import java.util.List;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;

/** What is asked of column types everywhere. */
public final class Types {
    private Types() {}

    /** How many units of a time's precision are in a second: 1, a thousand, a million or a thousand million. */
    public static long unitsPerSecond(int precision) {
        if (precision <= 0) {
            return 1;
        }
        if (precision <= 3) {
            return 1_000;
        }
        return precision <= 6 ? 1_000_000 : 1_000_000_000;
    }

    /** The type as SQL writes it, with NOT NULL where it is. */
    public static String sql(DataType t) {
        return bare(t) + (t.getNullable() ? "" : " NOT NULL");
    }

    private static String bare(DataType t) {
        String name = t.getKind().name().substring("TYPE_KIND_".length());
        switch (t.getKind()) {
            case TYPE_KIND_CHAR:
            case TYPE_KIND_BINARY:
                return name + "(" + t.getLength() + ")";
            case TYPE_KIND_DECIMAL:
                return name + "(" + t.getPrecision() + ", " + t.getScale() + ")";
            case TYPE_KIND_TIME:
            case TYPE_KIND_TIMESTAMP:
            case TYPE_KIND_TIMESTAMP_LTZ:
                return name + "(" + t.getPrecision() + ")";
            case TYPE_KIND_ARRAY:
                return "ARRAY<" + sql(t.getFields(0).getType()) + ">";
            case TYPE_KIND_MAP:
                return "MAP<" + sql(t.getFields(0).getType()) + ", " + sql(t.getFields(1).getType()) + ">";
            case TYPE_KIND_ROW:
                List<String> fields = new ArrayList<>();
                for (Field f : t.getFieldsList()) {
                    fields.add(f.getName() + " " + sql(f.getType()));
                }
                return "ROW<" + String.join(", ", fields) + ">";
            default:
                return name;
        }
    }
}
