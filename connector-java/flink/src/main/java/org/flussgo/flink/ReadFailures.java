package org.flussgo.flink;

import java.io.IOException;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;

/** What readers throw for errors of the client. */
public final class ReadFailures {
    private ReadFailures() {}

    /**
     * What to throw for an error: that of a failure which a restart may mend; it throws the other kind itself, which ends the job.
     *
     * @param tried what failed, as "reading table a.b"
     * @param hint what to do about it, or nothing
     */
    public static IOException of(String tried, FlussException e, String hint) {
        if (ends(e.code())) {
            // Without its causes: they may be of classes that cannot be sent to the one who decides about restarts.
            throw new SuppressRestartsException(new FlussException(e.code(), tried + " failed: " + e.plainMessage() + hint, e.facts(), null));
        }
        return new IOException(tried + " failed: " + e.getMessage() + hint, e);
    }

    private static boolean ends(ErrorCode c) {
        switch (c) {
            case CANCELED:
            case DEADLINE_EXCEEDED:
            case INTERNAL:
                return false;
            case UNKNOWN_SCHEMA: // the newest metadata did not help
                return true;
            default:
                return c.retry() == ErrorCode.Retry.NEVER;
        }
    }
}
