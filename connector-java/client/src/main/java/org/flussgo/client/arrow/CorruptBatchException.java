package org.flussgo.client.arrow;

/** Bytes that are no batch, or one that was damaged; the message tells what is wrong with them. */
public final class CorruptBatchException extends RuntimeException {
    CorruptBatchException(String message) {
        super(message);
    }

    CorruptBatchException(String message, Throwable cause) {
        super(message, cause);
    }
}
