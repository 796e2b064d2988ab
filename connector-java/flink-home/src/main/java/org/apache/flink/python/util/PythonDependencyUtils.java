package org.apache.flink.python.util;

import org.apache.commons.cli.CommandLine;
import org.apache.flink.configuration.Configuration;

/** What the SQL client asks of flink-python when it starts, without the 40 MB of it: there is no Python in a statement of ours. */
public final class PythonDependencyUtils {
    private PythonDependencyUtils() {}

    /** No options of Python. */
    public static Configuration parsePythonDependencyConfiguration(CommandLine commandLine) {
        return new Configuration();
    }
}
