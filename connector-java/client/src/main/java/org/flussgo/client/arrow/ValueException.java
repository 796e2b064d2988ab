package org.flussgo.client.arrow;

/** A value that its column cannot hold. */
public final class ValueException extends RuntimeException {
    private final String column;

    ValueException(String column, String fault) {
        super("column \"" + column + "\" " + fault);
        this.column = column;
    }

    /** The column, or the path to the field nested in it. */
    public String column() {
        return column;
    }
}
