package org.flussgo.flink.catalog;

/**
 * Makes the catalogs of {@code 'type' = 'fluss-go'}: the same as {@link FlussCatalogFactory}, for class paths that also hold the jar of
 * Apache Fluss, whose type is 'fluss' too.
 */
public final class FlussGoCatalogFactory extends FlussCatalogFactory {
    @Override
    public String factoryIdentifier() {
        return "fluss-go";
    }
}
