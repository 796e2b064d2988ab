package org.flussgo.flink.lookup;

import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AsyncLookupFunction;
import org.apache.flink.table.functions.FunctionContext;

/** Looks up many keys at once: those that come while a request is away travel in the next. */
public final class AsyncLookup extends AsyncLookupFunction {
    private static final long serialVersionUID = 1L;

    private final LookupJoin join;
    private transient LookupJoin.Open open;

    AsyncLookup(LookupJoin join) {
        this.join = join;
    }

    @Override
    public void open(FunctionContext context) {
        open = new LookupJoin.Open(join);
    }

    @Override
    public CompletableFuture<Collection<RowData>> asyncLookup(RowData key) {
        return open.lookup(key).exceptionally(t -> {
            throw new CompletionException(open.failed(t));
        });
    }

    @Override
    public void close() {
        if (open != null) {
            open.close();
        }
    }
}
