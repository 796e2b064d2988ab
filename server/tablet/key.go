package tablet

import (
	"encoding/binary"
	"fmt"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// Keys of the key-value store; big endian, so that they sort by what they name.
const (
	spaceApplied byte = 0
	spaceTable   byte = 1
	spaceBucket  byte = 2
	spaceWriter  byte = 3
	// spaceRow has the rows of primary-key tables, spaceRowState what goes with
	// those of one bucket.
	spaceRow      byte = 4
	spaceRowState byte = 5
)

func appendSpace(dst []byte, t ids.TabletID, space byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(t)), space)
}

const spaceSize = 5

func appendTableKey(dst []byte, t ids.TabletID, id ids.TableID) []byte {
	return binary.BigEndian.AppendUint64(appendSpace(dst, t, spaceTable), uint64(id))
}

// appendBucketKey makes the key of a bucket in spaceBucket, and in spaceWriter
// the prefix of the keys of its writers.
func appendBucketKey(dst []byte, t ids.TabletID, space byte, b ids.Bucket) []byte {
	dst = appendSpace(dst, t, space)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Table))
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.Partition))
	return binary.BigEndian.AppendUint32(dst, uint32(b.Bucket))
}

const bucketKeySize = spaceSize + 20

func appendWriterKey(dst []byte, t ids.TabletID, b ids.Bucket, w ids.WriterID) []byte {
	return binary.BigEndian.AppendUint64(appendBucketKey(dst, t, spaceWriter, b), uint64(w))
}

func parseBucketKey(key []byte) (ids.Bucket, error) {
	if len(key) < bucketKeySize {
		return ids.Bucket{}, errcode.New(errcode.Corrupt, nil, "a bucket's key has %d bytes, want %d", len(key), bucketKeySize)
	}
	be := binary.BigEndian
	key = key[spaceSize:]
	return ids.Bucket{
		Table:     ids.TableID(be.Uint64(key)),
		Partition: ids.PartitionID(be.Uint64(key[8:])),
		Bucket:    ids.BucketID(int32(be.Uint32(key[16:]))),
	}, nil
}

func parseWriterKey(key []byte) (ids.Bucket, ids.WriterID, error) {
	if len(key) != bucketKeySize+8 {
		return ids.Bucket{}, 0, errcode.New(errcode.Corrupt, nil, "a writer's key has %d bytes, want %d", len(key), bucketKeySize+8)
	}
	b, err := parseBucketKey(key)
	return b, ids.WriterID(binary.BigEndian.Uint64(key[bucketKeySize:])), err
}

const rowStateVersion = 1

// encodeRowState is the durable form of what a bucket knows of its rows.
func (r *bucketRows) encodeState(dst []byte) []byte {
	le := binary.LittleEndian
	return le.AppendUint64(le.AppendUint64(append(dst, rowStateVersion), uint64(r.count)), uint64(r.nextID))
}

func (r *bucketRows) decodeState(b []byte) error {
	if len(b) != 1+2*8 || b[0] != rowStateVersion {
		return errcode.New(errcode.Corrupt, nil, "the row count of a bucket cannot be read: %d bytes", len(b))
	}
	r.count, r.nextID = int64(binary.LittleEndian.Uint64(b[1:])), int64(binary.LittleEndian.Uint64(b[9:]))
	if r.count < 0 || r.nextID < 0 {
		return errcode.New(errcode.Corrupt, nil, "a bucket has %d rows and gave out id %d: neither may be negative", r.count, r.nextID)
	}
	return nil
}

// position is a place in the Raft log.
type position struct{ index, term uint64 }

// appliedState is what the store keeps with the state of a tablet: which entry
// it is the state after, and what apply needs of the past.
type appliedState struct {
	at position
	// lastMs is the greatest commit timestamp given out.
	lastMs int64
	// voters are the replica ids that take part, ascending.
	voters []uint64
}

const appliedVersion = 1

func (a appliedState) encode() []byte {
	le := binary.LittleEndian
	b := []byte{appliedVersion}
	b = le.AppendUint64(b, a.at.index)
	b = le.AppendUint64(b, a.at.term)
	b = le.AppendUint64(b, uint64(a.lastMs))
	for _, v := range a.voters {
		b = le.AppendUint64(b, v)
	}
	return b
}

func decodeApplied(b []byte) (appliedState, error) {
	const fixed = 1 + 3*8
	if len(b) < fixed || (len(b)-fixed)%8 != 0 || b[0] != appliedVersion {
		return appliedState{}, errcode.New(errcode.Corrupt, nil, "the applied index cannot be read: %d bytes", len(b))
	}
	le := binary.LittleEndian
	a := appliedState{at: position{le.Uint64(b[1:]), le.Uint64(b[9:])}, lastMs: int64(le.Uint64(b[17:]))}
	for rest := b[fixed:]; len(rest) > 0; rest = rest[8:] {
		a.voters = append(a.voters, le.Uint64(rest))
	}
	return a, nil
}

// bucketDir is a bucket's directory below its tablet's.
func bucketDir(b ids.Bucket) []string {
	if b.Partition == 0 {
		return []string{fmt.Sprint(b.Table), fmt.Sprint(b.Bucket)}
	}
	return []string{fmt.Sprint(b.Table), fmt.Sprintf("p%d", b.Partition), fmt.Sprint(b.Bucket)}
}
