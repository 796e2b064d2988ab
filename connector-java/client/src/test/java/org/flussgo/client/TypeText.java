package org.flussgo.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/** Reads types as SQL writes them, for tests. */
public final class TypeText {
    private final String s;
    private int at;

    private TypeText(String s) {
        this.s = s;
    }

    /** Columns like "a INT NOT NULL, b ARRAY<STRING>". */
    public static List<Field> columns(String text) {
        TypeText t = new TypeText(text);
        List<Field> out = t.fields();
        if (t.at < text.length()) {
            throw new IllegalArgumentException(text + " at " + t.at);
        }
        return out;
    }

    /** A type like "DECIMAL(9, 2)". */
    public static DataType type(String text) {
        return new TypeText(text).type();
    }

    private List<Field> fields() {
        List<Field> out = new ArrayList<>();
        do {
            String name = word();
            out.add(Field.newBuilder().setName(name).setId(out.size() + 1).setType(type()).build());
        } while (skip(","));
        return out;
    }

    private DataType type() {
        String name = word().toUpperCase(Locale.ROOT);
        DataType.Builder b = DataType.newBuilder().setKind(TypeKind.valueOf("TYPE_KIND_" + name));
        if (skip("(")) {
            int n = Integer.parseInt(word());
            switch (name) {
                case "CHAR", "BINARY" -> b.setLength(n);
                default -> b.setPrecision(n);
            }
            if (skip(",")) {
                b.setScale(Integer.parseInt(word()));
            }
            expect(")");
        }
        if (skip("<")) {
            switch (name) {
                case "ARRAY" -> b.addFields(Field.newBuilder().setName("element").setType(type()));
                case "MAP" -> {
                    b.addFields(Field.newBuilder().setName("key").setType(type().toBuilder().setNullable(false)));
                    expect(",");
                    b.addFields(Field.newBuilder().setName("value").setType(type()));
                }
                default -> b.addAllFields(fields());
            }
            expect(">");
        }
        boolean notNull = skip("NOT") && word().equals("NULL");
        return b.setNullable(!notNull).build();
    }

    private String word() {
        while (at < s.length() && Character.isWhitespace(s.charAt(at))) {
            at++;
        }
        int from = at;
        while (at < s.length() && (Character.isLetterOrDigit(s.charAt(at)) || s.charAt(at) == '_')) {
            at++;
        }
        return s.substring(from, at);
    }

    private boolean skip(String what) {
        int from = at;
        while (at < s.length() && Character.isWhitespace(s.charAt(at))) {
            at++;
        }
        if (s.startsWith(what, at)) {
            at += what.length();
            return true;
        }
        at = from;
        return false;
    }

    private void expect(String what) {
        if (!skip(what)) {
            throw new IllegalArgumentException(s + " at " + at + ": expected " + what);
        }
    }
}
