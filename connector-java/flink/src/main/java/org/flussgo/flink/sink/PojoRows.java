package org.flussgo.flink.sink;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.conversion.DataStructureConverter;
import org.apache.flink.table.data.conversion.DataStructureConverters;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.utils.TypeConversions;

/** Makes rows of objects, a column of each field or getter. */
final class PojoRows<P> implements RowWriter<P> {
    private static final long serialVersionUID = 1L;

    private final Class<P> type;
    private transient Property[] properties;
    private transient DataStructureConverter<Object, Object>[] converters;

    PojoRows(Class<P> type) {
        this.type = type;
    }

    @Override
    @SuppressWarnings("unchecked")
    public void open(RowType columns) {
        int n = columns.getFieldCount();
        properties = new Property[n];
        converters = new DataStructureConverter[n];
        for (int i = 0; i < n; i++) {
            properties[i] = property(columns.getFieldNames().get(i));
            converters[i] = DataStructureConverters.getConverter(TypeConversions.fromLogicalToDataType(columns.getTypeAt(i)));
            converters[i].open(Thread.currentThread().getContextClassLoader());
        }
    }

    @Override
    public RowData write(P record) throws Exception {
        GenericRowData row = new GenericRowData(properties.length);
        for (int i = 0; i < properties.length; i++) {
            row.setField(i, converters[i].toInternalOrNull(properties[i].of(record)));
        }
        return row;
    }

    private Property property(String column) {
        for (String name : new String[] {column, camel(column)}) {
            for (Field f : type.getFields()) {
                if (f.getName().equals(name)) {
                    return f::get;
                }
            }
            for (Method m : type.getMethods()) {
                String upper = Character.toUpperCase(name.charAt(0)) + name.substring(1);
                boolean named = m.getName().equals(name) || m.getName().equals("get" + upper) || m.getName().equals("is" + upper);
                if (named && m.getParameterCount() == 0 && m.getReturnType() != void.class) {
                    return m::invoke;
                }
            }
        }
        throw new IllegalArgumentException(type.getName() + " has neither a public field nor a getter for column \"" + column
                + "\": give it one, or make rows with a RowWriter of your own");
    }

    private static String camel(String name) {
        StringBuilder out = new StringBuilder();
        for (String part : name.split("_")) {
            out.append(out.length() == 0 || part.isEmpty() ? part : Character.toUpperCase(part.charAt(0)) + part.substring(1));
        }
        return out.length() == 0 ? name : out.toString();
    }

    /** Tells the value of a column in an object. */
    private interface Property {
        Object of(Object o) throws Exception;
    }
}
