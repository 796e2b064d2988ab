package org.flussgo.flink.catalog;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonSyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.WatermarkSpec;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.utils.LogicalTypeParser;
import org.apache.flink.table.types.utils.TypeConversions;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;

/**
 * What only Flink knows of a table: its computed and metadata columns, its watermarks, and declared types that are another one on the
 * server (VARCHAR(10), which is STRING there). It is kept as JSON in the custom property {@code flink.schema}:
 *
 * <pre>{@code
 * [{"kind":"computed","name":"ptime","expr":"PROCTIME()","type":"TIMESTAMP(3) WITH LOCAL TIME ZONE NOT NULL",
 *   "uses":[],"after":"clerk"},
 *  {"kind":"metadata","name":"at","type":"BIGINT","key":"offset","virtual":true,"after":"ptime"},
 *  {"kind":"watermark","rowtime":"ts","expr":"`ts` - INTERVAL '5' SECOND","uses":["ts"]},
 *  {"kind":"type","name":"s","type":"VARCHAR(10)"}]
 * }</pre>
 *
 * <p>Everything is tied to columns by their names. The columns that hold data are always those of the server, so that a change which came
 * another way (the command line, another engine) is seen here: a column whose {@code after} is gone moves to the end, and a type that no
 * longer fits is passed over. An expression that uses a column which is gone is an error that says so, for nothing could be put in its
 * place. Immutable.
 */
public final class FlinkSchema {
    /** The custom property it is kept in. */
    public static final String PROPERTY = "flink.schema";
    /** The keys that METADATA FROM may name: those that the source has. */
    static final List<String> METADATA_KEYS = List.of("offset", "bucket", "timestamp", "change_type");

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
    private static final String COMPUTED = "computed";
    private static final String METADATA = "metadata";
    private static final String WATERMARK = "watermark";
    private static final String TYPE = "type";

    /** One element of the JSON; which fields are set depends on {@code kind}. The names are those of the format. */
    private static final class Entry {
        String kind;
        String name;
        String rowtime;
        String expr;
        String type;
        String key;
        Boolean virtual;
        String comment;
        /** The column before it; not set when it is the first. */
        String after;
        /** The columns that {@code expr} mentions. */
        List<String> uses;
    }

    private final List<Entry> entries;

    private FlinkSchema(List<Entry> entries) {
        this.entries = entries;
    }

    /**
     * Of the columns and watermarks of a table.
     *
     * @throws ValidationException for what cannot be kept: an expression without SQL text, metadata that there is none of
     */
    public static FlinkSchema of(ResolvedSchema schema) {
        List<Entry> out = new ArrayList<>();
        Set<String> names = new TreeSet<>(schema.getColumnNames());
        String before = null;
        for (Column c : schema.getColumns()) {
            Entry e = of(c, names);
            if (e != null) {
                e.after = e.kind.equals(TYPE) ? null : before;
                out.add(e);
            }
            before = c.getName();
        }
        for (WatermarkSpec w : schema.getWatermarkSpecs()) {
            Entry e = new Entry();
            e.kind = WATERMARK;
            e.rowtime = w.getRowtimeAttribute();
            e.expr = sql("the watermark of \"" + e.rowtime + "\"", w.getWatermarkExpression());
            e.uses = uses(e.expr, names);
            if (names.contains(e.rowtime) && !e.uses.contains(e.rowtime)) {
                e.uses.add(e.rowtime);
            }
            out.add(e);
        }
        return new FlinkSchema(out);
    }

    /** The entry of a column, or null for one that the server knows all of. */
    private static Entry of(Column c, Set<String> names) {
        Entry e = new Entry();
        e.name = c.getName();
        e.type = c.getDataType().getLogicalType().asSerializableString();
        if (c instanceof Column.ComputedColumn) {
            e.kind = COMPUTED;
            e.expr = sql("column \"" + e.name + "\"", ((Column.ComputedColumn) c).getExpression());
            e.uses = uses(e.expr, names);
            e.comment = c.getComment().orElse(null);
            return e;
        }
        if (c instanceof Column.MetadataColumn) {
            e.kind = METADATA;
            e.key = ((Column.MetadataColumn) c).getMetadataKey().orElse(null);
            String key = e.key == null ? e.name : e.key;
            if (!METADATA_KEYS.contains(key)) {
                throw new ValidationException("column \"" + e.name + "\" is metadata '" + key + "', which tables of Fluss do not have;"
                        + " write METADATA FROM one of " + METADATA_KEYS);
            }
            e.virtual = ((Column.MetadataColumn) c).isVirtual();
            e.comment = c.getComment().orElse(null);
            return e;
        }
        e.kind = TYPE;
        LogicalType declared = c.getDataType().getLogicalType();
        LogicalType stored = TypeConverter.toFlink(TypeConverter.fromFlink(e.name, declared));
        return stored.equals(declared) ? null : e;
    }

    private static String sql(String what, org.apache.flink.table.expressions.ResolvedExpression expression) {
        try {
            return expression.asSerializableString();
        } catch (RuntimeException e) { // the planner's TableException, which has no type of its own
            throw CatalogErrors.because(new ValidationException(what + " has an expression that has no SQL text, so the catalog cannot"
                    + " keep it; write it in SQL, or use a temporary table"), e);
        }
    }

    /** The names that SQL text quotes with backticks, as Flink writes all of them, and that are among {@code names}. */
    private static List<String> uses(String sql, Set<String> names) {
        Set<String> out = new TreeSet<>();
        for (int i = 0; i < sql.length(); i++) {
            char quote = sql.charAt(i);
            if (quote != '`' && quote != '\'') {
                continue;
            }
            StringBuilder quoted = new StringBuilder();
            for (i++; i < sql.length(); i++) {
                boolean doubled = i + 1 < sql.length() && sql.charAt(i + 1) == quote;
                if (sql.charAt(i) == quote && !doubled) {
                    break;
                }
                i += sql.charAt(i) == quote ? 1 : 0;
                quoted.append(sql.charAt(i));
            }
            if (quote == '`' && names.contains(quoted.toString())) {
                out.add(quoted.toString());
            }
        }
        return new ArrayList<>(out);
    }

    /**
     * Reads the property; null is an empty one.
     *
     * @throws CatalogException when it is not what {@link #toJson} writes
     */
    public static FlinkSchema parse(String json) {
        if (json == null) {
            return new FlinkSchema(List.of());
        }
        try {
            Entry[] entries = GSON.fromJson(json, Entry[].class);
            if (entries == null || !Arrays.stream(entries).allMatch(FlinkSchema::whole)) {
                throw new JsonSyntaxException("an entry lacks what its kind needs");
            }
            return new FlinkSchema(List.of(entries));
        } catch (JsonSyntaxException e) {
            throw CatalogErrors.because(new CatalogException("the property " + PROPERTY + " of the table is damaged (" + e.getMessage()
                    + "): it is written by the catalog alone; reset it with another client to have the columns of the server only"), e);
        }
    }

    private static boolean whole(Entry e) {
        if (e == null || e.kind == null) {
            return false;
        }
        switch (e.kind) {
            case COMPUTED:
                return e.name != null && e.expr != null;
            case METADATA:
            case TYPE:
                return e.name != null && e.type != null;
            case WATERMARK:
                return e.rowtime != null && e.expr != null;
            default:
                return true; // of a later release, and not for this one
        }
    }

    /** The text for the property. */
    public String toJson() {
        return GSON.toJson(entries);
    }

    /** Whether there is nothing to keep. */
    public boolean isEmpty() {
        return entries.isEmpty();
    }

    /** The names of the computed and metadata columns. */
    public List<String> virtualColumns() {
        List<String> out = new ArrayList<>();
        for (Entry e : entries) {
            if (e.kind.equals(COMPUTED) || e.kind.equals(METADATA)) {
                out.add(e.name);
            }
        }
        return out;
    }

    /** The names of all columns in their order, for those of the server. */
    public List<String> order(List<Field> columns) {
        List<String> names = new ArrayList<>();
        columns.forEach(f -> names.add(f.getName()));
        for (Entry e : entries) {
            if (!e.kind.equals(COMPUTED) && !e.kind.equals(METADATA) || names.contains(e.name)) {
                continue; // a column of the server that came later keeps its name
            }
            int at = e.after == null ? 0 : names.indexOf(e.after) + 1;
            names.add(e.after != null && at == 0 ? names.size() : at, e.name);
        }
        return names;
    }

    /** The type of a column of the server as it was declared, where that still fits. */
    public LogicalType declared(Field column) {
        DataType stored = column.getType();
        for (Entry e : entries) {
            if (e.kind.equals(TYPE) && e.name.equals(column.getName())) {
                LogicalType declared = type(e.type).copy(stored.getNullable());
                if (sameShape(TypeConverter.fromFlink(declared), stored)) {
                    return declared;
                }
            }
        }
        return TypeConverter.toFlink(stored);
    }

    private static LogicalType type(String text) {
        return LogicalTypeParser.parse(text, FlinkSchema.class.getClassLoader());
    }

    /** Whether two types are the same but for the ids of fields. */
    static boolean sameShape(DataType a, DataType b) {
        return TypeConverter.toFlink(a).equals(TypeConverter.toFlink(b));
    }

    /**
     * The whole schema of a table whose columns on the server are these.
     *
     * @throws CatalogException when an expression uses a column that is gone
     */
    public Schema schema(String table, List<Field> columns, List<String> primaryKey) {
        Map<String, Field> stored = new LinkedHashMap<>();
        columns.forEach(f -> stored.put(f.getName(), f));
        List<String> order = order(columns);
        Schema.Builder b = Schema.newBuilder();
        for (String name : order) {
            Field f = stored.get(name);
            if (f != null) {
                b.column(name, TypeConversions.fromLogicalToDataType(declared(f)));
                if (!f.getComment().isEmpty()) {
                    b.withComment(f.getComment());
                }
            } else {
                add(b, table, entry(name), order);
            }
        }
        for (Entry e : entries) {
            if (e.kind.equals(WATERMARK)) {
                checkUses(table, "the watermark of \"" + e.rowtime + "\"", e, order);
                b.watermark(e.rowtime, e.expr);
            }
        }
        if (!primaryKey.isEmpty()) {
            b.primaryKey(primaryKey);
        }
        return b.build();
    }

    private Entry entry(String name) {
        for (Entry e : entries) {
            if (name.equals(e.name) && !e.kind.equals(TYPE)) {
                return e;
            }
        }
        throw new IllegalStateException("no entry of " + name);
    }

    private static void add(Schema.Builder b, String table, Entry e, List<String> order) {
        if (e.kind.equals(COMPUTED)) {
            checkUses(table, "the computed column \"" + e.name + "\"", e, order);
            b.columnByExpression(e.name, e.expr);
        } else {
            b.columnByMetadata(
                    e.name, TypeConversions.fromLogicalToDataType(type(e.type)), e.key, Boolean.TRUE.equals(e.virtual));
        }
        if (e.comment != null) {
            b.withComment(e.comment);
        }
    }

    private static void checkUses(String table, String what, Entry e, List<String> order) {
        if (e.uses == null || order.containsAll(e.uses)) {
            return;
        }
        List<String> gone = new ArrayList<>(e.uses);
        gone.removeAll(order);
        throw new CatalogException(what + " of table " + table + " uses " + gone + ", which another client has dropped or renamed."
                + " Give the table that column again, or reset its property " + PROPERTY
                + " with that client and add the computed columns and watermarks again here.");
    }

    /**
     * Refuses a change after which an expression that stays as it was uses a column that is gone. {@code next} is the table after it.
     *
     * @throws ValidationException naming the column and what uses it
     */
    void checkKept(FlinkSchema next, List<String> gone) {
        for (Entry e : entries) {
            if (e.expr == null || e.uses == null || next.entries.stream().noneMatch(n -> e.expr.equals(n.expr))) {
                continue;
            }
            for (String name : gone) {
                if (e.uses.contains(name)) {
                    throw new ValidationException("column \"" + name + "\" is used by "
                            + (e.kind.equals(WATERMARK) ? "the watermark of \"" + e.rowtime : "the computed column \"" + e.name)
                            + "\" (" + e.expr + "); drop that first, and add it again after the change");
                }
            }
        }
    }
}
