package org.flussgo.flink.source;

import java.io.Serializable;
import java.util.Set;
import org.flussgo.proto.v1.PartitionInfo;
import org.flussgo.proto.v1.PartitionValue;

/** A partition column and the values, as text, that rows may have there. Partitions made later are held to it, too. */
final class PartitionFilter implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String column;
    private final Set<String> values;

    PartitionFilter(String column, Set<String> values) {
        this.column = column;
        this.values = values;
    }

    boolean takes(PartitionInfo p) {
        for (PartitionValue v : p.getValuesList()) {
            if (v.getColumn().equals(column)) {
                return values.contains(v.getValue());
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return column + " in " + values;
    }
}
