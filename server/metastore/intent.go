package metastore

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// IntentKind tells what an intent announces.
type IntentKind uint8

// The kinds of intents; the numbers are stored.
const (
	CreateTable     IntentKind = 1
	CreatePartition IntentKind = 2
	AlterTable      IntentKind = 3
)

// Intent announces a change that spans etcd and the tablets.
type Intent struct {
	Kind      IntentKind
	Table     ids.TableID
	Partition ids.PartitionID // 0 unless Kind is CreatePartition
	// Session is that of the store that announced it.
	Session int64
	// Info is the table as it will be; only of AlterTable.
	Info *flussv1.TableInfo

	revision int64
}

type intentKey struct {
	table     ids.TableID
	partition ids.PartitionID
}

// Fields of a stored intent, a protobuf message.
const (
	intentFieldKind    protowire.Number = 1 // varint
	intentFieldSession protowire.Number = 2 // fixed64
	intentFieldInfo    protowire.Number = 3 // fluss.v1.TableInfo
)

func (i *Intent) encode() ([]byte, error) {
	b := protowire.AppendTag(nil, intentFieldKind, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(i.Kind))
	b = protowire.AppendTag(b, intentFieldSession, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, uint64(i.Session))
	if i.Info == nil {
		return b, nil
	}
	info, err := proto.Marshal(i.Info)
	if err != nil {
		return nil, fmt.Errorf("encoding table %d: %w", i.Table, err)
	}
	b = protowire.AppendTag(b, intentFieldInfo, protowire.BytesType)
	return protowire.AppendBytes(b, info), nil
}

// decodeIntent reads a stored intent; fields it does not know are skipped.
func decodeIntent(b []byte) (*Intent, error) {
	i := &Intent{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, fmt.Errorf("intent: %w", protowire.ParseError(n))
		}
		b = b[n:]
		var v uint64
		var info []byte
		switch {
		case number == intentFieldKind && kind == protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
			i.Kind = IntentKind(v)
		case number == intentFieldSession && kind == protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
			i.Session = int64(v)
		case number == intentFieldInfo && kind == protowire.BytesType:
			info, n = protowire.ConsumeBytes(b)
			if n >= 0 {
				i.Info = &flussv1.TableInfo{}
				if err := proto.Unmarshal(info, i.Info); err != nil {
					return nil, fmt.Errorf("intent: %w", err)
				}
			}
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return nil, fmt.Errorf("intent: %w", protowire.ParseError(n))
		}
		b = b[n:]
	}
	if i.Kind < CreateTable || i.Kind > AlterTable || (i.Kind == AlterTable && i.Info == nil) {
		return nil, fmt.Errorf("intent of kind %d is not complete", i.Kind)
	}
	return i, nil
}
