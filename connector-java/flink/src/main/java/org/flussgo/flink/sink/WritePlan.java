package org.flussgo.flink.sink;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.flussgo.client.WriteOptions;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.Schema;
import org.flussgo.proto.v1.TableInfo;

/**
 * Which of a job's columns go where in a table that may have changed since the job was planned: by name, and to a column that was renamed by
 * its id. A column that the table has no more is dropped; one that the job does not know becomes null, as it does in a job that goes on.
 */
final class WritePlan {
    private final SinkSpec spec;
    /** The position of a column of the table in the rows of the job; those that the job does not know are missing. */
    private final Map<String, Integer> sources = new HashMap<>();

    private WritePlan(SinkSpec spec) {
        this.spec = spec;
    }

    static WritePlan of(SinkSpec spec, TableInfo table) {
        WritePlan p = new WritePlan(spec);
        Map<Integer, String> now = new HashMap<>();
        table.getDescriptor().getSchema().getColumnsList().forEach(f -> now.put(f.getId(), f.getName()));
        List<String> names = spec.type.getFieldNames();
        for (int i = 0; i < names.size(); i++) {
            if (now.containsValue(names.get(i))) {
                p.sources.put(names.get(i), i);
            }
        }
        for (int i = 0; i < names.size(); i++) {
            String renamed = now.containsValue(names.get(i)) ? null : now.get(formerId(table, names.get(i)));
            if (renamed != null) {
                p.sources.putIfAbsent(renamed, i);
            }
        }
        return p;
    }

    /** The id of the column that had a name last; 0 when none had. */
    private static int formerId(TableInfo table, String name) {
        int id = 0;
        for (Schema s : table.getSchemasList()) {
            for (Field f : s.getColumnsList()) {
                id = f.getName().equals(name) ? f.getId() : id;
            }
        }
        return id;
    }

    /** How to write: with the job's target columns under the names that they have in the table. */
    WriteOptions options() {
        if (spec.targets == null) {
            return spec.options;
        }
        List<String> all = spec.type.getFieldNames();
        List<String> targets = new ArrayList<>();
        for (String t : spec.targets) {
            int at = all.indexOf(t);
            sources.forEach((name, source) -> {
                if (source == at) {
                    targets.add(name);
                }
            });
        }
        return spec.options.withTargetColumns(targets);
    }

    /** The positions of the columns in the job's rows; -1 for one that becomes null. */
    int[] positions(List<Field> columns) {
        return columns.stream().mapToInt(f -> sources.getOrDefault(f.getName(), -1)).toArray();
    }
}
