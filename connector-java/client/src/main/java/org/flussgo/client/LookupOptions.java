package org.flussgo.client;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What a {@link Lookuper} looks up. Immutable: each {@code with} returns another. */
public final class LookupOptions {
    private final List<String> columns;
    private final boolean prefix;
    private final boolean insertIfAbsent;

    private LookupOptions(List<String> columns, boolean prefix, boolean insertIfAbsent) {
        this.columns = columns;
        this.prefix = prefix;
        this.insertIfAbsent = insertIfAbsent;
    }

    /** Whole rows, by primary key. */
    public static LookupOptions defaults() {
        return new LookupOptions(null, false, false);
    }

    /** The columns wanted, one at least, in that order; null: all. */
    public LookupOptions withColumns(List<String> names) {
        return new LookupOptions(names == null ? null : Collections.unmodifiableList(new ArrayList<>(names)), prefix, insertIfAbsent);
    }

    /** Whether keys are the bucket key with the partition columns, the beginning of the primary key, and find any number of rows. */
    public LookupOptions withPrefix(boolean on) {
        return new LookupOptions(columns, on, insertIfAbsent);
    }

    /** Whether a key that has no row gets one, atomically. Not with a prefix. */
    public LookupOptions withInsertIfAbsent(boolean on) {
        return new LookupOptions(columns, prefix, on);
    }

    List<String> columns() {
        return columns;
    }

    boolean prefix() {
        return prefix;
    }

    boolean insertIfAbsent() {
        return insertIfAbsent;
    }
}
