package org.flussgo.flink.catalog.procedure;

import java.util.List;
import java.util.Locale;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.ProcedureHint;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.procedure.ProcedureContext;
import org.apache.flink.table.procedures.Procedure;
import org.apache.flink.types.Row;
import org.flussgo.client.FlussClient;
import org.flussgo.proto.v1.BucketOffset;
import org.flussgo.proto.v1.Empty;
import org.flussgo.proto.v1.OffsetSpec;

/**
 * {@code CALL sys.list_offsets(`table` => 'db.t', spec => 'latest')}: one row for each bucket, with the offset asked for (earliest,
 * latest, or the first row committed at or after so many milliseconds since 1970), the first that is stored and the first not yet
 * readable.
 */
public final class ListOffsetsProcedure implements Procedure {
    private final FlussClient client;
    private final String database;

    ListOffsetsProcedure(FlussClient client, String database) {
        this.client = client;
        this.database = database;
    }

    /** Called by Flink; without {@code spec} it is latest. */
    @ProcedureHint(
            argument = {
                @ArgumentHint(name = "table", type = @DataTypeHint("STRING")),
                @ArgumentHint(name = "spec", type = @DataTypeHint("STRING"), isOptional = true)
            },
            output = @DataTypeHint(
                    "ROW<`partition` STRING, bucket INT, `offset` BIGINT, start_offset BIGINT, high_watermark BIGINT>"))
    public Row[] call(ProcedureContext context, String table, String spec) {
        List<BucketOffset> offsets = Procedures.ask(
                () -> client.admin().listOffsets(Procedures.path(database, table), List.of(), List.of(), spec(spec)));
        Row[] out = new Row[offsets.size()];
        for (int i = 0; i < out.length; i++) {
            BucketOffset o = offsets.get(i);
            out[i] = Row.of(
                    o.getPartition().isEmpty() ? null : o.getPartition(),
                    o.getBucket().getBucket(),
                    o.getOffset(),
                    o.getStartOffset(),
                    o.getHighWatermark());
        }
        return out;
    }

    private static OffsetSpec spec(String text) {
        String s = text == null ? "latest" : text.trim().toLowerCase(Locale.ROOT);
        if (s.equals("latest")) {
            return OffsetSpec.newBuilder().setLatest(Empty.getDefaultInstance()).build();
        }
        if (s.equals("earliest")) {
            return OffsetSpec.newBuilder().setEarliest(Empty.getDefaultInstance()).build();
        }
        try {
            return OffsetSpec.newBuilder().setTimestampMs(Long.parseLong(s)).build();
        } catch (NumberFormatException e) {
            throw new ValidationException("spec is '" + text + "'; it is earliest, latest, or milliseconds since 1970");
        }
    }
}
