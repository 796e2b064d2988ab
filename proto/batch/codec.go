package batch

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is what the buffers of a batch are compressed with, one by one.
type Codec uint8

// The codecs. The numbers are those of the header.
const (
	None     Codec = 0
	LZ4Frame Codec = 1
	Zstd     Codec = 2
)

// String returns "none", "lz4_frame" or "zstd".
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case LZ4Frame:
		return "lz4_frame"
	case Zstd:
		return "zstd"
	default:
		return fmt.Sprintf("codec %d", uint8(c))
	}
}

const (
	// prefixBytes is the size of the length before a compressed buffer.
	prefixBytes = 8
	// plainPrefix is the length that says that a buffer is stored as it is.
	plainPrefix = -1
	// minCompress is the size below which a buffer is stored as it is.
	minCompress = 64
	// maxZstdWindow bounds the memory that a frame may ask for beside its output.
	maxZstdWindow = 64 << 20
)

// zstdEncoders holds one encoder per level of klauspost's four; an encoder is
// safe for concurrent use and keeps its state in a pool of its own.
var zstdEncoders struct {
	mu sync.Mutex
	by map[zstd.EncoderLevel]*zstd.Encoder // guarded by mu
}

// zstdEncoder returns the shared encoder for a level of the zstd scale, 1 to 22.
func zstdEncoder(level int) *zstd.Encoder {
	l := zstd.EncoderLevelFromZstd(level)
	zstdEncoders.mu.Lock()
	defer zstdEncoders.mu.Unlock()
	if e, ok := zstdEncoders.by[l]; ok {
		return e
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(l), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	if zstdEncoders.by == nil {
		zstdEncoders.by = map[zstd.EncoderLevel]*zstd.Encoder{}
	}
	zstdEncoders.by[l] = e
	return e
}

// zstdDecoder is safe for concurrent use. It writes no more than the capacity
// that it is given, whatever a frame says.
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// compressor compresses buffers; it belongs to one Encoder.
type compressor struct {
	codec Codec
	zstd  *zstd.Encoder
	lz4   lz4.Compressor
}

func newCompressor(codec Codec, level int) compressor {
	c := compressor{codec: codec}
	if codec == Zstd {
		c.zstd = zstdEncoder(level)
	}
	return c
}

// bound is the most bytes that append needs for a buffer of n bytes.
func (c *compressor) bound(n int64) int64 {
	if n == 0 {
		return 0
	}
	return prefixBytes + n + n>>8 + lz4FrameOverhead(n) + minCompress
}

// append appends src as a compressed buffer: its length and the frame, or
// plainPrefix and src where compression does not pay; nothing when src is empty.
func (c *compressor) append(dst, src []byte) []byte {
	if len(src) == 0 {
		return dst
	}
	at := len(dst)
	if len(src) >= minCompress {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(len(src)))
		if c.codec == Zstd {
			dst = c.zstd.EncodeAll(src, dst)
		} else {
			dst = appendLZ4Frame(&c.lz4, dst, src)
		}
		if len(dst)-at-prefixBytes < len(src) {
			return dst
		}
	}
	plain := int64(plainPrefix)
	dst = binary.LittleEndian.AppendUint64(dst[:at], uint64(plain))
	return append(dst, src...)
}

// decompress fills all of dst from one frame in src; false when src is no such
// frame. It never writes behind dst.
func decompress(codec Codec, dst, src []byte) bool {
	if codec == LZ4Frame {
		return decodeLZ4Frame(dst, src)
	}
	out, err := zstdDecoder().DecodeAll(src, dst[:0:len(dst)])
	if err != nil || len(out) != len(dst) {
		return false
	}
	return len(dst) == 0 || &out[0] == &dst[0]
}
