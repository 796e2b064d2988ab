package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Option is one option of a Config, to look at and to set by text.
type Option struct {
	// Name is like "data-dir", in the file and as flag.
	Name string
	// Group is the heading it stands under in the documentation.
	Group string
	// Doc tells the meaning and range.
	Doc string
	// Default is the text of the default; budgets that follow the memory limit have "0".
	Default string

	field reflect.Value
}

// Env is the environment variable of the option, like FLUSS_DATA_DIR.
func (o Option) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

// EnvPrefix is what the environment variables of all options start with.
const EnvPrefix = "FLUSS_"

// Options returns the options of c, in order of declaration; setting one sets it in c.
func (c *Config) Options() []Option {
	var static Config
	static.ensureStatic()
	defaults := reflect.ValueOf(static)
	v := reflect.ValueOf(c).Elem()
	out := make([]Option, 0, v.NumField())
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name := tag.Get("option")
		out = append(out, Option{
			Name: name, Group: tag.Get("group"), Doc: docs[name], Default: text(defaults.Field(i)), field: v.Field(i),
		})
	}
	return out
}

// String returns the value as text, as Set reads it.
func (o Option) String() string {
	if !o.field.IsValid() {
		return ""
	}
	return text(o.field)
}

// Type names the kind of value, for the help text of flags.
func (o Option) Type() string {
	switch o.field.Interface().(type) {
	case Bytes:
		return "size"
	case time.Duration:
		return "duration"
	case []string:
		return "list"
	case int:
		return "number"
	case float64:
		return "ratio"
	case bool:
		return "boolean"
	default:
		return "text"
	}
}

// Set sets the value from text; lists are separated by commas.
func (o Option) Set(value string) error {
	switch p := o.field.Addr().Interface().(type) {
	case *string:
		*p = value
	case *Bytes:
		return set(p, value, ParseBytes)
	case *time.Duration:
		return set(p, value, ParseDuration)
	case *int:
		return set(p, value, func(s string) (int, error) {
			n, err := strconv.Atoi(strings.TrimSpace(s))
			if err != nil {
				return 0, fmt.Errorf("%q: want a whole number", s)
			}
			return n, nil
		})
	case *float64:
		return set(p, value, func(s string) (float64, error) {
			f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil {
				return 0, fmt.Errorf("%q: want a number like 0.85", s)
			}
			return f, nil
		})
	case *bool:
		return set(p, value, func(s string) (bool, error) {
			b, err := strconv.ParseBool(strings.TrimSpace(s))
			if err != nil {
				return false, fmt.Errorf("%q: want true or false", s)
			}
			return b, nil
		})
	case *[]string:
		*p = nil
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
	}
	return nil
}

func set[T any](p *T, text string, parse func(string) (T, error)) error {
	v, err := parse(text)
	if err == nil {
		*p = v
	}
	return err
}

func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return FormatDuration(x)
	case []string:
		return strings.Join(x, ",")
	default:
		return fmt.Sprint(x)
	}
}
