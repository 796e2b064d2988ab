package org.flussgo.flink.catalog;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.TableChange;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.flussgo.proto.v1.AddColumn;
import org.flussgo.proto.v1.ColumnPosition;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.DropColumn;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.ModifyColumn;
import org.flussgo.proto.v1.RenameColumn;
import org.flussgo.proto.v1.ResetOption;
import org.flussgo.proto.v1.SetComment;
import org.flussgo.proto.v1.SetOption;
import org.flussgo.proto.v1.TableDescriptor;

/**
 * One ALTER TABLE as the changes that the server makes: those of columns that hold data and of options one by one, everything that only
 * Flink knows as one new value of its property. The server applies all or none.
 *
 * <p>It follows the names of all columns through the changes, since AFTER may name a column that the server does not know.
 */
final class TableChanges {
    private final TableDescriptor before;
    private final FlinkSchema own;
    /** All columns in their order, as the changes seen so far leave them. */
    private final List<String> order;
    /** Those of {@link #order} that the server does not know. */
    private final List<String> virtual;
    /** Names that were dropped or renamed. */
    private final List<String> gone = new ArrayList<>();
    private final List<org.flussgo.proto.v1.TableChange> out = new ArrayList<>();

    private TableChanges(TableDescriptor before) {
        this.before = before;
        this.own = FlinkSchema.parse(before.getCustomPropertiesMap().get(FlinkSchema.PROPERTY));
        this.order = own.order(before.getSchema().getColumnsList());
        this.virtual = own.virtualColumns();
    }

    /**
     * The changes for the server.
     *
     * @param before the table as it is
     * @param after the table as it will be
     * @param changes what leads from one to the other
     * @throws ValidationException for a change that tables do not allow
     */
    static List<org.flussgo.proto.v1.TableChange> of(TableDescriptor before, ResolvedCatalogTable after, List<TableChange> changes) {
        TableChanges t = new TableChanges(before);
        for (TableChange c : changes) {
            t.change(c);
        }
        FlinkSchema next = FlinkSchema.of(after.getResolvedSchema());
        t.own.checkKept(next, t.gone);
        t.property(next);
        String comment = after.getComment() == null ? "" : after.getComment();
        if (!comment.equals(before.getComment())) {
            t.out.add(org.flussgo.proto.v1.TableChange.newBuilder().setSetComment(SetComment.newBuilder().setComment(comment)).build());
        }
        return t.out;
    }

    private void change(TableChange c) {
        if (c instanceof TableChange.SetOption) {
            TableChange.SetOption o = (TableChange.SetOption) c;
            TableOptions.check(o.getKey(), o.getValue());
            set(o.getKey(), o.getValue());
        } else if (c instanceof TableChange.ResetOption) {
            String key = ((TableChange.ResetOption) c).getKey();
            if (key.equals(FlinkSchema.PROPERTY)) {
                TableOptions.check(key);
            }
            reset(key);
        } else if (c instanceof TableChange.AddColumn) {
            add((TableChange.AddColumn) c);
        } else if (c instanceof TableChange.DropColumn) {
            drop(((TableChange.DropColumn) c).getColumnName());
        } else if (c instanceof TableChange.ModifyColumn) {
            modify((TableChange.ModifyColumn) c);
        } else if (!isWatermark(c)) {
            throw new ValidationException(refusal(c));
        }
    }

    private static boolean isWatermark(TableChange c) { // the new schema has it
        return c instanceof TableChange.AddWatermark || c instanceof TableChange.ModifyWatermark || c instanceof TableChange.DropWatermark;
    }

    private static String refusal(TableChange c) {
        if (c instanceof TableChange.AddUniqueConstraint
                || c instanceof TableChange.ModifyUniqueConstraint
                || c instanceof TableChange.DropConstraint) {
            return "the primary key is fixed when a table is created; create another table and copy the rows with INSERT INTO … SELECT";
        }
        if (c instanceof TableChange.AddDistribution
                || c instanceof TableChange.ModifyDistribution
                || c instanceof TableChange.DropDistribution) {
            return "buckets are fixed when a table is created; create another table and copy the rows with INSERT INTO … SELECT";
        }
        return "tables of Fluss cannot be changed like this: " + c;
    }

    private void set(String key, String value) {
        out.add(org.flussgo.proto.v1.TableChange.newBuilder()
                .setSetOption(SetOption.newBuilder().setKey(key).setValue(value)).build());
    }

    private void reset(String key) {
        out.add(org.flussgo.proto.v1.TableChange.newBuilder().setResetOption(ResetOption.newBuilder().setKey(key)).build());
    }

    private void add(TableChange.AddColumn c) {
        Column column = c.getColumn();
        place(column.getName(), c.getPosition());
        if (!column.isPhysical()) {
            virtual.add(column.getName());
            return;
        }
        AddColumn.Builder b = AddColumn.newBuilder().setColumn(TableConverter.field(column));
        if (c.getPosition() != null) {
            b.setPosition(position(column.getName()));
        }
        out.add(org.flussgo.proto.v1.TableChange.newBuilder().setAddColumn(b).build());
    }

    private void drop(String name) {
        order.remove(name);
        gone.add(name);
        if (!virtual.remove(name)) {
            out.add(org.flussgo.proto.v1.TableChange.newBuilder().setDropColumn(DropColumn.newBuilder().setName(name)).build());
        }
    }

    /** Puts a name where the position says; null leaves it, or puts it last when it is new. */
    private void place(String name, TableChange.ColumnPosition position) {
        if (position == null) {
            if (!order.contains(name)) {
                order.add(name);
            }
            return;
        }
        order.remove(name);
        if (position instanceof TableChange.After) {
            String after = ((TableChange.After) position).column();
            int at = order.indexOf(after);
            order.add(at < 0 ? order.size() : at + 1, name);
        } else {
            order.add(0, name);
        }
    }

    /** Where a column is, told by the columns that the server knows. */
    private ColumnPosition position(String name) {
        for (int i = order.indexOf(name) - 1; i >= 0; i--) {
            if (!virtual.contains(order.get(i))) {
                return ColumnPosition.newBuilder().setAfter(order.get(i)).build();
            }
        }
        return ColumnPosition.newBuilder().setFirst(true).build();
    }

    private void modify(TableChange.ModifyColumn c) {
        Column was = c.getOldColumn();
        Column is = c.getNewColumn();
        if (was.isPhysical() != is.isPhysical()) {
            throw new ValidationException("column \"" + was.getName() + "\" holds " + (was.isPhysical() ? "data" : "no data")
                    + " and cannot become one that " + (is.isPhysical() ? "does" : "is computed")
                    + "; drop it, and add the other in a second ALTER TABLE");
        }
        if (!was.getName().equals(is.getName())) {
            rename(was.getName(), is.getName());
        }
        place(is.getName(), c.getNewPosition());
        if (!is.isPhysical()) {
            return;
        }
        ModifyColumn.Builder b = ModifyColumn.newBuilder().setName(is.getName());
        boolean any = false;
        if (!was.getDataType().equals(is.getDataType())) {
            any = type(b, was, is);
        }
        if (!Objects.equals(was.getComment(), is.getComment())) {
            b.setComment(is.getComment().orElse(""));
            any = true;
        }
        if (c.getNewPosition() != null) {
            b.setPosition(position(is.getName()));
            any = true;
        }
        if (any) {
            out.add(org.flussgo.proto.v1.TableChange.newBuilder().setModifyColumn(b).build());
        }
    }

    private void rename(String from, String to) {
        order.replaceAll(n -> n.equals(from) ? to : n);
        gone.add(from);
        if (virtual.contains(from)) {
            virtual.replaceAll(n -> n.equals(from) ? to : n);
            return;
        }
        out.add(org.flussgo.proto.v1.TableChange.newBuilder()
                .setRenameColumn(RenameColumn.newBuilder().setName(from).setNewName(to)).build());
    }

    /** Asks for another type if it is another one on the server too; reports whether it is. */
    private boolean type(ModifyColumn.Builder b, Column was, Column is) {
        LogicalType from = was.getDataType().getLogicalType();
        LogicalType to = is.getDataType().getLogicalType();
        if (from.is(to.getTypeRoot()) && declaredLength(to) < declaredLength(from)) {
            throw new ValidationException("column \"" + is.getName() + "\" cannot change from " + from + " to " + to
                    + ": values that there are may be longer");
        }
        DataType stored = TypeConverter.fromFlink(is.getName(), to);
        if (before.getSchema().getPrimaryKeyList().contains(was.getName())) {
            stored = stored.toBuilder().setNullable(false).build();
        }
        for (Field f : before.getSchema().getColumnsList()) {
            if (f.getName().equals(was.getName()) && FlinkSchema.sameShape(f.getType(), stored)) {
                return false;
            }
        }
        b.setType(stored);
        return true;
    }

    /** The length of a type whose length the server does not know; 0 for another. */
    private static int declaredLength(LogicalType t) {
        if (t.is(LogicalTypeRoot.VARCHAR)) {
            return ((VarCharType) t).getLength();
        }
        return t.is(LogicalTypeRoot.VARBINARY) ? ((VarBinaryType) t).getLength() : 0;
    }

    private void property(FlinkSchema next) {
        String was = before.getCustomPropertiesMap().get(FlinkSchema.PROPERTY);
        if (next.isEmpty()) {
            if (was != null) {
                reset(FlinkSchema.PROPERTY);
            }
        } else if (!next.toJson().equals(was)) {
            set(FlinkSchema.PROPERTY, next.toJson());
        }
    }
}
