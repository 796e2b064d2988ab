package metastore

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

// The families of keys; FORMAT.md tells what is under each.
const (
	familyDatabase  = "database"
	familyName      = "name"
	familyTable     = "table"
	familyPartition = "partition"
	familyPlacement = "placement"
	familyIntent    = "intent"
	familySession   = "session"
	familyServer    = "server"
	familyTablet    = "tablet"
	familyCounter   = "counter"
	familyCluster   = "cluster"
	familySync      = "sync"
)

// The names of Documents.
const (
	IcebergDocuments = "iceberg"
	TieringDocuments = "tiering"
)

// The counters.
const (
	counterTable     = "table"
	counterPartition = "partition"
	counterWriter    = "writer"
	counterServer    = "server"
)

// keyspace builds the keys under one prefix, which ends in a slash.
type keyspace string

func (k keyspace) join(family string, parts ...string) string {
	return string(k) + family + "/" + strings.Join(parts, "/")
}

func (k keyspace) database(name string) string { return k.join(familyDatabase, escape(name)) }

func (k keyspace) names(database string) string { return k.join(familyName, escape(database), "") }

func (k keyspace) name(p table.Path) string { return k.names(p.Database) + escape(p.Table) }

func (k keyspace) table(id ids.TableID) string { return k.join(familyTable, decimal(id)) }

func (k keyspace) partitions(id ids.TableID) string { return k.join(familyPartition, decimal(id), "") }

func (k keyspace) partition(id ids.TableID, name string) string {
	return k.partitions(id) + escape(name)
}

func (k keyspace) placements(id ids.TableID) string { return k.join(familyPlacement, decimal(id), "") }

func (k keyspace) placement(id ids.TableID, p ids.PartitionID) string {
	return k.placements(id) + decimal(p)
}

func (k keyspace) intents(id ids.TableID) string { return k.join(familyIntent, decimal(id), "") }

func (k keyspace) intent(id ids.TableID, p ids.PartitionID) string { return k.intents(id) + decimal(p) }

func (k keyspace) session(id int64) string { return k.join(familySession, decimal(id)) }

func (k keyspace) server(id ids.ServerID) string { return k.join(familyServer, decimal(id)) }

func (k keyspace) tablet(id ids.TabletID) string { return k.join(familyTablet, decimal(id)) }

func (k keyspace) counter(name string) string { return k.join(familyCounter, name) }

// split returns the family and the decoded parts of a key; false for a key that
// is not of this keyspace's form.
func (k keyspace) split(key string) (family string, parts []string, ok bool) {
	rest, ok := strings.CutPrefix(key, string(k))
	if !ok {
		return "", nil, false
	}
	parts = strings.Split(rest, "/")
	for i, p := range parts {
		plain, err := url.PathUnescape(p)
		if err != nil {
			return "", nil, false
		}
		parts[i] = plain
	}
	return parts[0], parts[1:], true
}

// escape keeps a name from holding the separator.
func escape(name string) string { return url.PathEscape(name) }

func decimal[T ~int32 | ~int64](v T) string { return strconv.FormatInt(int64(v), 10) }

// parseID reads an id of a key or value: decimal, at least low.
func parseID[T ~int32 | ~int64](text string, low T) (T, error) {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || int64(T(v)) != v || T(v) < low {
		return 0, fmt.Errorf("%q is not an id of at least %d", text, low)
	}
	return T(v), nil
}
