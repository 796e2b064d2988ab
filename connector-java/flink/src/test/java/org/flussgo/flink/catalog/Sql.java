package org.flussgo.flink.catalog;

import java.util.List;
import org.apache.flink.table.expressions.Expression;
import org.apache.flink.table.expressions.ExpressionVisitor;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.table.types.DataType;

/** An expression that is its SQL text, as the planner's are to a catalog; null text is one that has none. */
final class Sql implements ResolvedExpression {
    private final String text;
    private final DataType type;

    Sql(String text, DataType type) {
        this.text = text;
        this.type = type;
    }

    @Override
    public String asSerializableString() {
        if (text == null) {
            throw new IllegalStateException("no text");
        }
        return text;
    }

    @Override
    public String asSummaryString() {
        return text;
    }

    @Override
    public DataType getOutputDataType() {
        return type;
    }

    @Override
    public List<ResolvedExpression> getResolvedChildren() {
        return List.of();
    }

    @Override
    public List<Expression> getChildren() {
        return List.of();
    }

    @Override
    public <R> R accept(ExpressionVisitor<R> visitor) {
        return visitor.visit(this);
    }
}
