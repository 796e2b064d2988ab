package org.flussgo.flink.lookup;

import java.io.IOException;
import java.util.Collection;
import java.util.concurrent.ExecutionException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.LookupFunction;

/** Looks up a key at a time. */
public final class SyncLookup extends LookupFunction {
    private static final long serialVersionUID = 1L;

    private final LookupJoin join;
    private transient LookupJoin.Open open;

    SyncLookup(LookupJoin join) {
        this.join = join;
    }

    @Override
    public void open(FunctionContext context) {
        open = new LookupJoin.Open(join);
    }

    @Override
    public Collection<RowData> lookup(RowData key) throws IOException {
        try {
            return open.lookup(key).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted during a look-up", e);
        } catch (ExecutionException e) {
            throw open.failed(e.getCause());
        }
    }

    @Override
    public void close() {
        if (open != null) {
            open.close();
        }
    }
}
