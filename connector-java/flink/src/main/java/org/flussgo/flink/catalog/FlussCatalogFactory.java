package org.flussgo.flink.catalog;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Catalog;
import org.apache.flink.table.factories.CatalogFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.flussgo.client.ClientConfig;
import org.flussgo.client.FlussException;
import org.flussgo.flink.FlussOptions;

/** Makes the catalogs of {@code 'type' = 'fluss'}. */
public class FlussCatalogFactory implements CatalogFactory {
    /** The type in CREATE CATALOG. */
    public static final String IDENTIFIER = "fluss";

    @Override
    public String factoryIdentifier() {
        return IDENTIFIER;
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(FlussOptions.BOOTSTRAP_SERVERS);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        Set<ConfigOption<?>> out = new HashSet<>(TableOptions.client());
        out.add(FlussOptions.DEFAULT_DATABASE);
        out.add(FactoryUtil.PROPERTY_VERSION);
        return out;
    }

    /** Connects to nothing yet: that is for {@link Catalog#open}. */
    @Override
    public Catalog createCatalog(Context context) {
        FactoryUtil.CatalogFactoryHelper helper = FactoryUtil.createCatalogFactoryHelper(this, context);
        helper.validate();
        ReadableConfig options = helper.getOptions();
        Map<String, String> client = new HashMap<>();
        context.getOptions().forEach((k, v) -> {
            if (k.startsWith(TableOptions.CLIENT_PREFIX)) {
                client.put(k, v);
            }
        });
        client.put(FlussOptions.BOOTSTRAP_SERVERS.key(), options.get(FlussOptions.BOOTSTRAP_SERVERS));
        return new FlussCatalog(context.getName(), options.get(FlussOptions.DEFAULT_DATABASE), config(context.getName(), options), client);
    }

    private static ClientConfig config(String catalog, ReadableConfig options) {
        try {
            return ClientConfig.of(options.get(FlussOptions.BOOTSTRAP_SERVERS))
                    .withRequestTimeout(options.get(FlussOptions.CLIENT_REQUEST_TIMEOUT))
                    .withRetryTimeout(options.get(FlussOptions.CLIENT_RETRY_TIMEOUT));
        } catch (FlussException e) {
            throw CatalogErrors.because(new ValidationException("catalog " + catalog + ": " + e.plainMessage()), e);
        }
    }
}
