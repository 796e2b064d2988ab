package org.flussgo.flink.source;

import java.util.Arrays;
import java.util.Objects;
import org.apache.flink.api.connector.source.SourceSplit;

/** A bucket to read, and where its reading goes on. Immutable. */
public final class FlussSplit implements SourceSplit {
    /** The offset of a split that starts with the rows as they are. */
    static final long FULL = -1;
    /** The offset of a split that starts with the first row stored. */
    static final long EARLIEST = -2;
    /** The stop of a split that does not end, or where the rows as they are end by themselves. */
    static final long NEVER = -1;

    final long tableId;
    /** The schema version that the columns of the scan are of. */
    final int schemaId;
    /** 0 when the table is not partitioned. */
    final long partitionId;
    /** Empty when the table is not partitioned. */
    final String partition;

    final int bucket;
    /** The offset of the next row, FULL, or EARLIEST; not looked at when there is a token to resume. */
    final long offset;
    /** The server's token for the place among the rows as they are; empty when the offset says it all. */
    final byte[] resume;
    /** The offset behind the last row to read, or NEVER. */
    final long stop;

    FlussSplit(long tableId, int schemaId, long partitionId, String partition, int bucket, long offset, byte[] resume, long stop) {
        this.tableId = tableId;
        this.schemaId = schemaId;
        this.partitionId = partitionId;
        this.partition = partition;
        this.bucket = bucket;
        this.offset = offset;
        this.resume = resume;
        this.stop = stop;
    }

    /** The split further on. */
    FlussSplit at(long nextOffset, byte[] token) {
        return new FlussSplit(tableId, schemaId, partitionId, partition, bucket, nextOffset, token, stop);
    }

    @Override
    public String splitId() {
        return partitionId + "-" + bucket;
    }

    /** Which of the readers has it: all of a bucket's rows go to one. */
    int owner(int readers) {
        return Math.floorMod(Long.hashCode(partitionId) * 31 + bucket, readers);
    }

    @Override
    public boolean equals(Object o) {
        if (!(o instanceof FlussSplit)) {
            return false;
        }
        FlussSplit s = (FlussSplit) o;
        return tableId == s.tableId
                && schemaId == s.schemaId
                && partitionId == s.partitionId
                && partition.equals(s.partition)
                && bucket == s.bucket
                && offset == s.offset
                && Arrays.equals(resume, s.resume)
                && stop == s.stop;
    }

    @Override
    public int hashCode() {
        return Objects.hash(tableId, partitionId, bucket, offset);
    }

    @Override
    public String toString() {
        return "bucket " + bucket + (partition.isEmpty() ? "" : " of partition " + partition) + " from "
                + (resume.length > 0 ? "a place among its rows" : offset == FULL ? "its rows" : offset == EARLIEST ? "the earliest" : offset);
    }
}
