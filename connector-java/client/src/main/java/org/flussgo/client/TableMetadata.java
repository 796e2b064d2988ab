package org.flussgo.client;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.flussgo.proto.v1.BucketPlacement;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.GetTableMetadataResponse;
import org.flussgo.proto.v1.PartitionInfo;
import org.flussgo.proto.v1.Schema;
import org.flussgo.proto.v1.TableInfo;
import org.flussgo.proto.v1.TabletLeader;

/** What a client knows of a table: its description, its partitions, and where its buckets are led. Immutable. */
public final class TableMetadata {
    private final TableInfo info;
    private final Map<String, PartitionInfo> byName = new LinkedHashMap<>();
    private final Map<Long, PartitionInfo> byId = new HashMap<>();
    private final Map<Long, List<Integer>> tablets = new HashMap<>();
    private final Map<Integer, String> endpoints = new HashMap<>();

    TableMetadata(GetTableMetadataResponse r) {
        info = r.getTable();
        for (PartitionInfo p : r.getPartitionsList()) {
            byName.put(p.getName(), p);
            byId.put(p.getPartitionId(), p);
        }
        for (BucketPlacement p : r.getPlacementsList()) {
            tablets.put(p.getPartitionId(), p.getTabletsList());
        }
        for (TabletLeader l : r.getLeadersList()) {
            endpoints.put(l.getTabletId(), l.getEndpoint());
        }
        if (new HashSet<>(endpoints.values()).size() == 1) {
            // One server leads everything: it is the one at the address that the user gave, which may reach it where its own name does not.
            endpoints.clear();
        }
    }

    /** The table as the server describes it. */
    public TableInfo info() {
        return info;
    }

    /** The newest schema. */
    public Schema schema() {
        return info.getDescriptor().getSchema();
    }

    /** Its columns. */
    public List<Field> columns() {
        return schema().getColumnsList();
    }

    /** The position of a column in the newest schema; -1 when there is none of the name. */
    public int indexOf(String column) {
        List<Field> columns = columns();
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).getName().equals(column)) {
                return i;
            }
        }
        return -1;
    }

    /** Whether it is a primary-key table. */
    public boolean keyed() {
        return schema().getPrimaryKeyCount() > 0;
    }

    /** Whether it has partition columns. */
    public boolean partitioned() {
        return info.getDescriptor().getPartitionKeysCount() > 0;
    }

    /** Buckets per table or partition, 1 at least. */
    public int buckets() {
        return Math.max(1, info.getDescriptor().getBucketCount());
    }

    /** The partitions by name, ascending; empty when the table has none. The caller does not change the map. */
    public Map<String, PartitionInfo> partitions() {
        return byName;
    }

    /** The partition with the id, or null. */
    public PartitionInfo partition(long id) {
        return byId.get(id);
    }

    /** host:port of the leader of a bucket; "" stands for the bootstrap server. */
    public String endpoint(long partition, int bucket) {
        List<Integer> of = tablets.get(partition);
        return of == null || bucket >= of.size() ? "" : endpoints.getOrDefault(of.get(bucket), "");
    }

    /** The name of the column that the server numbers, or null. */
    public String autoIncrement() {
        String name = info.getDescriptor().getCustomPropertiesMap().get("auto-increment.fields");
        return name == null ? null : name.trim();
    }

    /** "db.table". */
    public String name() {
        return info.getPath().getDatabase() + "." + info.getPath().getTable();
    }
}
