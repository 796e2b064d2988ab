package table

import (
	"maps"
	"slices"
	"strings"

	"github.com/fluss-go/fluss/proto/schema"
)

// NearMiss returns what a custom property was likely meant to be: one that the
// server interprets, or an option; "" when it is like none. Kept as it is, it would
// do nothing, and nobody would be told.
func NearMiss(key string) string {
	const typos = 2
	if key == autoIncrementKey || strings.HasPrefix(key, fieldPrefix) {
		return ""
	}
	if _, ok := byName[OptionPrefix+key]; ok {
		return OptionPrefix + key
	}
	for _, name := range append([]string{autoIncrementKey}, slices.Sorted(maps.Keys(byName))...) {
		if schema.Near(key, name, typos) {
			return name
		}
	}
	head, rest, _ := strings.Cut(key, ".")
	column, last := cutLast(rest)
	switch {
	case column != "" && last == aggregateSuffix && schema.Near(head, strings.TrimSuffix(fieldPrefix, "."), typos):
		return fieldPrefix + rest
	case schema.Near(key, strings.TrimSuffix(autoIncrementKey, ".fields"), typos):
		return autoIncrementKey
	}
	return ""
}
