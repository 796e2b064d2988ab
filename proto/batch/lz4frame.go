package batch

import (
	"encoding/binary"

	"github.com/pierrec/lz4/v4"
)

// The LZ4 frame format (lz4_Frame_format.md 1.6.3), as far as buffers need it.
// The frames written have independent blocks and no checksums: columns have
// their own. Reading takes what other writers make too, linked blocks included.
const (
	lz4Magic = 0x184D2204
	// The descriptor that is written: version 1, independent blocks of at most
	// 256 KiB, and the second byte of the xxHash32 of the two as its checksum.
	lz4Flags       = 0x60
	lz4BlockSizes  = 0x50
	lz4HeaderCheck = 0xfb
	lz4BlockBytes  = 256 << 10
	lz4HeaderBytes = 7

	lz4PlainBlock = 1 << 31 // set in the size of a block that is not compressed
	lz4Window     = 64 << 10

	lz4FlagDict        = 1 << 0
	lz4FlagContentSum  = 1 << 2
	lz4FlagContentSize = 1 << 3
	lz4FlagBlockSum    = 1 << 4
	lz4FlagIndependent = 1 << 5
	lz4VersionShift    = 6
	lz4Sum             = 4 // bytes of a checksum
)

// lz4FrameOverhead is what a frame of n incompressible bytes has beside them.
func lz4FrameOverhead(n int64) int64 {
	return lz4HeaderBytes + 4 + 4*((n+lz4BlockBytes-1)/lz4BlockBytes)
}

func appendLZ4Frame(c *lz4.Compressor, dst, src []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, lz4Magic)
	dst = append(dst, lz4Flags, lz4BlockSizes, lz4HeaderCheck)
	for len(src) > 0 {
		block := src[:min(len(src), lz4BlockBytes)]
		src = src[len(block):]
		at := len(dst)
		dst = extend(dst, 4+len(block))
		// A block that does not shrink does not fit and is reported as 0 bytes or an error.
		n, err := c.CompressBlock(block, dst[at+4:])
		if err != nil || n == 0 || n >= len(block) {
			le.PutUint32(dst[at:], uint32(len(block))|lz4PlainBlock)
			copy(dst[at+4:], block)
			continue
		}
		le.PutUint32(dst[at:], uint32(n))
		dst = dst[:at+4+n]
	}
	return le.AppendUint32(dst, 0)
}

// extend returns b with n more bytes of any content.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		grown := make([]byte, len(b), max(2*cap(b), len(b)+n))
		copy(grown, b)
		b = grown
	}
	return b[:len(b)+n]
}

// lz4Header reads a frame's descriptor: its flags and what follows it.
func lz4Header(src []byte) (flags byte, rest []byte, ok bool) {
	if len(src) < lz4HeaderBytes || binary.LittleEndian.Uint32(src) != lz4Magic {
		return 0, nil, false
	}
	flags = src[4]
	n := lz4HeaderBytes
	if flags&lz4FlagContentSize != 0 {
		n += 8
	}
	if flags>>lz4VersionShift != 1 || flags&lz4FlagDict != 0 || len(src) < n {
		return 0, nil, false
	}
	return flags, src[n:], true
}

// decodeLZ4Frame fills all of dst from the one frame that src is.
func decodeLZ4Frame(dst, src []byte) bool {
	flags, src, ok := lz4Header(src)
	if !ok {
		return false
	}
	at := 0
	for {
		if len(src) < 4 {
			return false
		}
		size := binary.LittleEndian.Uint32(src)
		src = src[4:]
		if size == 0 {
			break
		}
		n := int(size &^ lz4PlainBlock)
		if n > len(src) {
			return false
		}
		wrote, ok := decodeLZ4Block(dst, at, src[:n], size&lz4PlainBlock != 0, flags&lz4FlagIndependent == 0)
		if !ok {
			return false
		}
		at += wrote
		src = src[n:]
		if flags&lz4FlagBlockSum != 0 {
			if len(src) < lz4Sum {
				return false
			}
			src = src[lz4Sum:]
		}
	}
	if flags&lz4FlagContentSum != 0 {
		return at == len(dst) && len(src) == lz4Sum
	}
	return at == len(dst) && len(src) == 0
}

// decodeLZ4Block writes a block's content at dst[at:] and returns its size.
func decodeLZ4Block(dst []byte, at int, block []byte, plain, linked bool) (int, bool) {
	out := dst[at:]
	if plain {
		if len(block) > len(out) {
			return 0, false
		}
		return copy(out, block), true
	}
	if len(out) == 0 {
		return 0, false
	}
	var n int
	var err error
	if linked && at > 0 {
		n, err = lz4.UncompressBlockWithDict(block, out, dst[max(0, at-lz4Window):at])
	} else {
		n, err = lz4.UncompressBlock(block, out)
	}
	return n, err == nil && n >= 0 && n <= len(out)
}
