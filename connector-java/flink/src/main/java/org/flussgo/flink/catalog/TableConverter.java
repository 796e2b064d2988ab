package org.flussgo.flink.catalog;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ObjectPath;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.TableDistribution;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.utils.TypeConversions;
import org.flussgo.flink.FlussOptions;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TableDescriptor;
import org.flussgo.proto.v1.TableInfo;

/** Tables of Flink as the server describes them, and back. */
final class TableConverter {
    private final Map<String, String> clientOptions;

    /** {@code clientOptions} are what a table needs to be read where there is no catalog: bootstrap.servers and client.*. */
    TableConverter(Map<String, String> clientOptions) {
        this.clientOptions = Map.copyOf(clientOptions);
    }

    /**
     * What to ask the server to create.
     *
     * @throws ValidationException for what tables cannot have
     */
    TableDescriptor descriptor(ResolvedCatalogTable table) {
        ResolvedSchema resolved = table.getResolvedSchema();
        TableDescriptor.Builder b = TableDescriptor.newBuilder()
                .setComment(table.getComment() == null ? "" : table.getComment())
                .addAllPartitionKeys(table.getPartitionKeys());
        org.flussgo.proto.v1.Schema.Builder schema = org.flussgo.proto.v1.Schema.newBuilder().addAllColumns(columns(resolved));
        resolved.getPrimaryKey().ifPresent(k -> schema.addAllPrimaryKey(k.getColumns()));
        b.setSchema(schema);
        Map<String, String> options = withoutClient(table.getOptions());
        TableOptions.check(options);
        options.forEach((k, v) -> option(b, k, v));
        distribution(b, table);
        FlinkSchema own = FlinkSchema.of(resolved);
        if (!own.isEmpty()) {
            b.putCustomProperties(FlinkSchema.PROPERTY, own.toJson());
        }
        return b.build();
    }

    /** The columns of the server: those that hold data. */
    static List<Field> columns(ResolvedSchema schema) {
        List<Field> out = new ArrayList<>();
        for (Column c : schema.getColumns()) {
            if (c.isPhysical()) {
                out.add(field(c));
            }
        }
        if (out.isEmpty()) {
            throw new ValidationException("a table needs a column that holds data; all of these are computed or metadata");
        }
        return out;
    }

    /** One of them. */
    static Field field(Column c) {
        return Field.newBuilder()
                .setName(c.getName())
                .setType(TypeConverter.fromFlink(c.getName(), c.getDataType().getLogicalType()))
                .setComment(c.getComment().orElse(""))
                .build();
    }

    /** The options without those that {@link #table} added, which CREATE TABLE … LIKE would make the table's own. */
    private Map<String, String> withoutClient(Map<String, String> options) {
        Map<String, String> out = new TreeMap<>(options);
        out.remove(FlussOptions.BOOTSTRAP_SERVERS.key());
        clientOptions.forEach(out::remove);
        return out;
    }

    private static void option(TableDescriptor.Builder b, String key, String value) {
        if (key.equals(FlussOptions.BUCKET_NUM.key())) {
            b.setBucketCount(buckets(value));
        } else if (key.equals(FlussOptions.BUCKET_KEY.key())) {
            b.addAllBucketKeys(names(value));
        } else if (key.startsWith(TableOptions.SERVER_PREFIX)) {
            b.putProperties(key, value);
        } else {
            b.putCustomProperties(key, value);
        }
    }

    private static int buckets(String value) {
        try {
            int n = Integer.parseInt(value.trim());
            if (n > 0) {
                return n;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ValidationException("option '" + FlussOptions.BUCKET_NUM.key() + "' is '" + value + "'; it takes a whole number, 1 or more");
    }

    private static List<String> names(String value) {
        List<String> out = new ArrayList<>();
        for (String s : value.split(",")) {
            if (!s.isBlank()) {
                out.add(s.trim());
            }
        }
        return out;
    }

    /** DISTRIBUTED BY says the same as bucket.key and bucket.num. */
    private static void distribution(TableDescriptor.Builder b, ResolvedCatalogTable table) {
        if (table.getDistribution().isEmpty()) {
            return;
        }
        TableDistribution d = table.getDistribution().get();
        if (d.getKind() == TableDistribution.Kind.RANGE) {
            throw new ValidationException("DISTRIBUTED BY RANGE is not in this release; use DISTRIBUTED BY HASH, or the option bucket.key");
        }
        if (b.getBucketCount() > 0 || b.getBucketKeysCount() > 0) {
            throw new ValidationException("the table has DISTRIBUTED BY and an option bucket.num or bucket.key; give one of both");
        }
        d.getBucketCount().ifPresent(b::setBucketCount);
        b.addAllBucketKeys(d.getBucketKeys());
    }

    /** The table, or the virtual one of a suffix, as Flink sees it. */
    CatalogTable table(ObjectPath path, TableInfo info) {
        TableDescriptor d = info.getDescriptor();
        FlinkSchema own = FlinkSchema.parse(d.getCustomPropertiesMap().get(FlinkSchema.PROPERTY));
        String suffix = VirtualTables.suffix(path.getObjectName());
        return CatalogTable.newBuilder()
                .schema(suffix.isEmpty()
                        ? own.schema(path.getFullName(), d.getSchema().getColumnsList(), d.getSchema().getPrimaryKeyList())
                        : virtual(suffix, own, d.getSchema().getColumnsList()))
                .comment(d.getComment())
                .partitionKeys(suffix.equals(VirtualTables.BINLOG) ? List.of() : d.getPartitionKeysList())
                .options(options(d))
                .build();
    }

    private static Schema virtual(String suffix, FlinkSchema own, List<Field> columns) {
        List<String> names = new ArrayList<>();
        List<DataType> types = new ArrayList<>();
        List<String> comments = new ArrayList<>();
        for (Field f : columns) {
            names.add(f.getName());
            types.add(TypeConversions.fromLogicalToDataType(own.declared(f)));
            comments.add(f.getComment().isEmpty() ? null : f.getComment());
        }
        return VirtualTables.schema(suffix, names, types, comments);
    }

    /** Everything a TaskManager needs: how to reach the server, and what the table says of itself. */
    private Map<String, String> options(TableDescriptor d) {
        Map<String, String> out = new HashMap<>(clientOptions);
        out.putAll(d.getCustomPropertiesMap());
        out.putAll(d.getPropertiesMap());
        out.remove(FlinkSchema.PROPERTY);
        out.put(FlussOptions.BOOTSTRAP_SERVERS.key(), clientOptions.get(FlussOptions.BOOTSTRAP_SERVERS.key()));
        out.put(FlussOptions.BUCKET_NUM.key(), Integer.toString(d.getBucketCount()));
        if (d.getBucketKeysCount() > 0) {
            out.put(FlussOptions.BUCKET_KEY.key(), String.join(",", d.getBucketKeysList()));
        }
        return out;
    }
}
