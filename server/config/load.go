package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/fluss-go/fluss/proto/schema"
)

// Source says where a value came from.
type Source string

// The sources, in rising priority.
const (
	FromDefault Source = "default"
	FromFile    Source = "file"
	FromEnv     Source = "environment"
	FromFlag    Source = "flag"
)

// Flags adds a flag for every option, and "config" for the file, to the set.
// Load finds what was given there.
func Flags(flags *pflag.FlagSet) {
	flags.StringP("config", "c", "", "YAML file with options by these names; environment "+EnvPrefix+"CONFIG")
	c := &Config{}
	c.ensureStatic()
	for _, o := range c.Options() {
		usage := strings.ReplaceAll(o.Doc, "`", "'")
		if first, _, ok := strings.Cut(usage, ". "); ok {
			usage = first
		}
		flags.Var(o, o.Name, strings.TrimSuffix(usage, "."))
		if o.field.Kind() == reflect.Bool {
			flags.Lookup(o.Name).NoOptDefVal = "true"
		}
	}
}

// Loaded is a Config with where each value came from.
type Loaded struct {
	*Config
	// File is the configuration file that was read; empty when there was none.
	File string
	// Sources by name of option.
	Sources map[string]Source
}

// Load reads the options from the file, the environment and the flags, which
// may be nil. lookup is os.LookupEnv, or a stand-in. It reports every fault of
// every source and of the outcome at once.
func Load(flags *pflag.FlagSet, lookup func(string) (string, bool)) (*Loaded, error) {
	l := &Loaded{Config: &Config{}, Sources: map[string]Source{}}
	l.ensureStatic() // first, so that a zero that is set stays and is found out
	l.File, _ = lookup(EnvPrefix + "CONFIG")
	if flags != nil && flags.Changed("config") {
		l.File, _ = flags.GetString("config")
	}
	var faults []error
	if l.File != "" {
		faults = append(faults, l.readFile()...)
	}
	for _, o := range l.Options() {
		if text, ok := lookup(o.Env()); ok {
			faults = append(faults, l.set(o, text, FromEnv, o.Env()))
		}
	}
	if flags != nil {
		for _, o := range l.Options() {
			if f := flags.Lookup(o.Name); f != nil && f.Changed {
				faults = append(faults, l.set(o, f.Value.String(), FromFlag, "--"+o.Name))
			}
		}
	}
	l.ensureBudgets()
	for _, o := range l.Options() {
		if l.Sources[o.Name] == "" {
			l.Sources[o.Name] = FromDefault
		}
	}
	if err := errors.Join(append(faults, l.Validate())...); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Loaded) set(o Option, text string, source Source, where string) error {
	if err := o.Set(text); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	l.Sources[o.Name] = source
	return nil
}

func (l *Loaded) readFile() (faults []error) {
	text, err := os.ReadFile(l.File)
	if err != nil {
		return []error{fmt.Errorf("the configuration file cannot be read: %w", err)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return []error{fmt.Errorf("%s: %w", l.File, err)}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("%s:%d: want lines like \"data-dir: /var/lib/fluss\"", l.File, root.Line)}
	}
	options := l.Options()
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		where := fmt.Sprintf("%s:%d", l.File, key.Line)
		at := slices.IndexFunc(options, func(o Option) bool { return o.Name == key.Value })
		switch {
		case at < 0:
			faults = append(faults, fmt.Errorf("%s: there is no option %q%s", where, key.Value, schema.Suggest(key.Value, names(options))))
			continue
		case seen[key.Value]:
			faults = append(faults, fmt.Errorf("%s: %s is set twice", where, key.Value))
			continue
		}
		seen[key.Value] = true
		text, err := scalar(value)
		if err == nil {
			err = l.set(options[at], text, FromFile, key.Value)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", where, err))
		}
	}
	return faults
}

func names(options []Option) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = o.Name
	}
	return out
}

// scalar returns the text of a value or of a list of values.
func scalar(n *yaml.Node) (string, error) {
	switch n.Kind { //nolint:exhaustive // the others are no values
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "", nil
		}
		return n.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, 0, len(n.Content))
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return "", errors.New("want a list of values")
			}
			parts = append(parts, item.Value)
		}
		return strings.Join(parts, ","), nil
	default:
		return "", errors.New("want a value or a list of values")
	}
}

// YAML returns all options with their values as a configuration file, each with
// its source as a comment.
func (l *Loaded) YAML() (string, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, o := range l.Options() {
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: o.Name}
		value := &yaml.Node{}
		if err := value.Encode(o.plain()); err != nil {
			return "", err
		}
		value.LineComment = string(l.Sources[o.Name])
		if value.Kind == yaml.SequenceNode {
			value.Style = yaml.FlowStyle
		}
		root.Content = append(root.Content, key, value)
	}
	out, err := yaml.Marshal(root)
	return string(out), err
}

// plain returns the value as a number, a list or text, for YAML and JSON.
func (o Option) plain() any {
	switch v := o.field.Interface().(type) {
	case int, float64, bool:
		return v
	case []string:
		return append([]string{}, v...)
	default:
		return o.String()
	}
}

// Plain returns the options by name with values that JSON can show.
func (l *Loaded) Plain() map[string]any {
	out := map[string]any{}
	for _, o := range l.Options() {
		out[o.Name] = map[string]any{"value": o.plain(), "source": l.Sources[o.Name]}
	}
	return out
}
