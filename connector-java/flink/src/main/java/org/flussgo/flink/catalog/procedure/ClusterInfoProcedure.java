package org.flussgo.flink.catalog.procedure;

import java.time.Instant;
import java.util.List;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.ProcedureHint;
import org.apache.flink.table.procedure.ProcedureContext;
import org.apache.flink.table.procedures.Procedure;
import org.apache.flink.types.Row;
import org.flussgo.client.FlussClient;
import org.flussgo.proto.v1.DescribeClusterResponse;
import org.flussgo.proto.v1.ServerInfo;

/** {@code CALL sys.cluster_info()}: one row for each server, with the totals of the cluster in each. */
public final class ClusterInfoProcedure implements Procedure {
    private final FlussClient client;

    ClusterInfoProcedure(FlussClient client) {
        this.client = client;
    }

    /** Called by Flink. */
    @ProcedureHint(
            output = @DataTypeHint(
                    "ROW<server_id INT, endpoint STRING, http_endpoint STRING, version STRING, roles STRING, started_at TIMESTAMP_LTZ(3),"
                            + " `databases` INT, `tables` INT, tablets INT, durability STRING, disk_write_locked BOOLEAN,"
                            + " disk_usage_ratio DOUBLE>"))
    public Row[] call(ProcedureContext context) {
        DescribeClusterResponse r = Procedures.ask(() -> client.admin().describeCluster());
        List<ServerInfo> servers = r.getServersList();
        Row[] out = new Row[servers.size()];
        for (int i = 0; i < out.length; i++) {
            ServerInfo s = servers.get(i);
            out[i] = Row.of(
                    s.getServerId(),
                    s.getEndpoint(),
                    s.getHttpEndpoint(),
                    s.getVersion(),
                    String.join(",", s.getRolesList()),
                    Instant.ofEpochMilli(s.getStartedAtMs()),
                    r.getDatabaseCount(),
                    r.getTableCount(),
                    r.getTabletsCount(),
                    r.getDurability(),
                    r.getDiskWriteLocked(),
                    r.getDiskUsageRatio());
        }
        return out;
    }
}
