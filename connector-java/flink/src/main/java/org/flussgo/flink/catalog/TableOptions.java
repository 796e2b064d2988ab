package org.flussgo.flink.catalog;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.source.lookup.LookupOptions;
import org.apache.flink.table.factories.FactoryUtil;
import org.flussgo.flink.FlussOptions;
import org.flussgo.flink.FlussTableFactory;

/**
 * Which options a table may have, and where each is kept: {@code table.*} is the server's, which refuses those that it does not know;
 * options of scans, sinks, look-ups and clients are checked here; anything else is the user's own.
 */
public final class TableOptions {
    /** The start of the names of options that the server interprets. */
    static final String SERVER_PREFIX = "table.";
    /** The start of the names of options of the client. */
    static final String CLIENT_PREFIX = "client.";

    private static final List<String> OWN_PREFIXES = List.of("scan.", "sink.", "lookup.", CLIENT_PREFIX, "bucket.");

    private static final List<ConfigOption<?>> CLIENT = List.of(
            FlussOptions.CLIENT_REQUEST_TIMEOUT,
            FlussOptions.CLIENT_RETRY_TIMEOUT,
            FlussOptions.CLIENT_WRITER_BATCH_SIZE,
            FlussOptions.CLIENT_WRITER_BATCH_TIMEOUT,
            FlussOptions.CLIENT_WRITER_BUFFER_MEMORY,
            FlussOptions.CLIENT_WRITER_MAX_INFLIGHT,
            FlussOptions.CLIENT_WRITER_NO_KEY_ASSIGNER,
            FlussOptions.CLIENT_WRITER_DYNAMIC_CREATE_PARTITION);

    private static final List<ConfigOption<?>> TABLE = List.of(
            FlussOptions.BUCKET_NUM,
            FlussOptions.BUCKET_KEY,
            FlussOptions.SCAN_STARTUP_MODE,
            FlussOptions.SCAN_STARTUP_TIMESTAMP,
            FlussOptions.SCAN_PARTITION_DISCOVERY_INTERVAL,
            FlussOptions.SINK_IGNORE_DELETE,
            FlussOptions.SINK_BUCKET_SHUFFLE,
            FlussOptions.SINK_PARALLELISM,
            FlussOptions.LOOKUP_ASYNC,
            FlussOptions.LOOKUP_INSERT_IF_NOT_EXISTS,
            LookupOptions.CACHE_TYPE,
            LookupOptions.MAX_RETRIES,
            LookupOptions.PARTIAL_CACHE_EXPIRE_AFTER_ACCESS,
            LookupOptions.PARTIAL_CACHE_EXPIRE_AFTER_WRITE,
            LookupOptions.PARTIAL_CACHE_CACHE_MISSING_KEY,
            LookupOptions.PARTIAL_CACHE_MAX_ROWS,
            FactoryUtil.SOURCE_PARALLELISM,
            FactoryUtil.WATERMARK_EMIT_STRATEGY,
            FactoryUtil.WATERMARK_ALIGNMENT_GROUP,
            FactoryUtil.WATERMARK_ALIGNMENT_MAX_DRIFT,
            FactoryUtil.WATERMARK_ALIGNMENT_UPDATE_INTERVAL,
            FactoryUtil.SOURCE_IDLE_TIMEOUT);

    private TableOptions() {}

    /** The options of the client, which a catalog takes too. */
    static List<ConfigOption<?>> client() {
        return CLIENT;
    }

    /** The bounds of options that are numbers, both inclusive. */
    private static final Map<String, long[]> BOUNDS = Map.of(
            FlussOptions.CLIENT_WRITER_MAX_INFLIGHT.key(), new long[] {1, 5},
            FlussOptions.CLIENT_WRITER_BATCH_SIZE.key(), new long[] {1 << 10, 8 << 20},
            FlussOptions.CLIENT_WRITER_BUFFER_MEMORY.key(), new long[] {1 << 20, Long.MAX_VALUE},
            FlussOptions.BUCKET_NUM.key(), new long[] {1, Integer.MAX_VALUE},
            FlussOptions.SINK_PARALLELISM.key(), new long[] {1, 1 << 15});

    private static Set<String> names() {
        Set<String> out = new TreeSet<>();
        CLIENT.forEach(o -> out.add(o.key()));
        TABLE.forEach(o -> out.add(o.key()));
        new FlussTableFactory().optionalOptions().forEach(o -> out.add(o.key()));
        return out;
    }

    /**
     * Refuses an option that no table can have.
     *
     * @throws ValidationException with the nearest name that there is
     */
    static void check(String key) {
        if (key.equals(FactoryUtil.CONNECTOR.key())) {
            throw new ValidationException("option 'connector' has no place in a catalog of Fluss: its tables are tables of Fluss."
                    + " Leave it out; with CREATE TABLE … LIKE write (EXCLUDING OPTIONS).");
        }
        if (key.equals(FlinkSchema.PROPERTY)) {
            throw new ValidationException("option '" + FlinkSchema.PROPERTY + "' is written by the catalog, from the columns and"
                    + " watermarks of the table; change those with ALTER TABLE");
        }
        if (OWN_PREFIXES.stream().noneMatch(key::startsWith)) {
            return;
        }
        Set<String> names = names();
        if (!names.contains(key)) {
            throw new ValidationException("there is no option '" + key + "'; did you mean '" + nearest(key, names) + "'? Tables have "
                    + String.join(", ", sameKind(key, names)) + ".");
        }
    }

    /** {@link #check} of every name, and of the values of those that are checked here. */
    public static void check(Map<String, String> options) {
        new TreeMap<>(options).forEach(TableOptions::check);
    }

    /**
     * Refuses an option that no table can have, and a value that it cannot have.
     *
     * @throws ValidationException with what there is
     */
    static void check(String key, String value) {
        check(key);
        Stream.concat(CLIENT.stream(), TABLE.stream()).filter(o -> o.key().equals(key)).forEach(o -> {
            Object v;
            try {
                v = Configuration.fromMap(Map.of(key, value)).get(o);
            } catch (IllegalArgumentException e) {
                Throwable why = e.getCause() == null ? e : e.getCause();
                String text = why instanceof NumberFormatException ? "it is a whole number" : why.getMessage();
                throw new ValidationException("option '" + key + "' cannot be '" + value + "': " + text);
            }
            long[] bounds = BOUNDS.get(key);
            long n = v instanceof MemorySize ? ((MemorySize) v).getBytes() : v instanceof Number ? ((Number) v).longValue() : 0;
            if (bounds != null && (n < bounds[0] || n > bounds[1])) {
                throw new ValidationException("option '" + key + "' cannot be '" + value + "': it is " + bounds[0] + " to " + bounds[1]
                        + (v instanceof MemorySize ? " bytes" : ""));
            }
        });
    }

    private static List<String> sameKind(String key, Set<String> names) {
        String prefix = key.substring(0, key.indexOf('.') + 1);
        List<String> out = new ArrayList<>();
        names.stream().filter(n -> n.startsWith(prefix)).forEach(out::add);
        return out;
    }

    /** The name that takes the fewest edits to come to from {@code key}. */
    static String nearest(String key, Collection<String> names) {
        String best = "";
        int least = Integer.MAX_VALUE;
        for (String n : names) {
            int d = distance(key, n);
            if (d < least) {
                least = d;
                best = n;
            }
        }
        return best;
    }

    /** The edits between two texts, after Levenshtein. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
