package org.flussgo.flink.catalog.procedure;

import java.util.List;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.ProcedureHint;
import org.apache.flink.table.procedure.ProcedureContext;
import org.apache.flink.table.procedures.Procedure;
import org.flussgo.client.FlussClient;

/**
 * {@code CALL sys.count_rows(`table` => 'db.t')}: how many rows a table has now, without a scan. Of a log table, those that are stored.
 */
public final class CountRowsProcedure implements Procedure {
    private final FlussClient client;
    private final String database;

    CountRowsProcedure(FlussClient client, String database) {
        this.client = client;
        this.database = database;
    }

    /** Called by Flink. */
    @ProcedureHint(argument = @ArgumentHint(name = "table", type = @DataTypeHint("STRING")), output = @DataTypeHint("BIGINT"))
    public Long[] call(ProcedureContext context, String table) {
        return new Long[] {Procedures.ask(() -> client.admin().countRows(Procedures.path(database, table), List.of()))};
    }
}
