package merge

import (
	"bytes"
	"encoding/hex"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
)

// bitmap32 is the library's bitmap of the values, with runs where they are shorter.
func bitmap32(t testing.TB, values ...uint32) []byte {
	r := roaring.BitmapOf(values...)
	r.RunOptimize()
	b, err := r.ToBytes()
	require.NoError(t, err)
	return b
}

func bitmap64(t testing.TB, values ...uint64) []byte {
	r := roaring64.BitmapOf(values...)
	r.RunOptimize()
	b, err := r.ToBytes()
	require.NoError(t, err)
	return b
}

// hexes is a column of bytes as the tests write it.
func hexes(b []byte) string { return hex.EncodeToString(b) }

func TestBitmaps(t *testing.T) {
	w := aggregating(t, "BYTES", "rbm32")
	s := w.session(Write{})
	w.upsert(s, "1", null)
	w.upsert(s, "1", hexes(bitmap32(t, 1, 2)))
	require.Equal(t, "keep", w.upsert(s, "1", null))
	require.Equal(t, "keep", w.upsert(s, "1", hexes(bitmap32(t))))
	require.Equal(t, "1 "+hexes(bitmap32(t, 1, 2, 3)), w.upsert(s, "1", hexes(bitmap32(t, 2, 3))))

	w = aggregating(t, "BYTES", "rbm64")
	s = w.session(Write{})
	w.upsert(s, "1", hexes(bitmap64(t, 1, 1<<40)))
	require.Equal(t, "1 "+hexes(bitmap64(t, 1, 2, 1<<40, 1<<63)), w.upsert(s, "1", hexes(bitmap64(t, 2, 1<<63, 1<<40))))
	require.Equal(t, "keep", w.upsert(s, "1", hexes(bitmap64(t))))
}

// random makes a bitmap with containers of all forms, in few keys, so that two of
// them meet.
func random(r *rand.Rand) *roaring.Bitmap {
	out := roaring.New()
	for range r.IntN(8) {
		base := uint64(r.IntN(6)) << 16
		switch r.IntN(5) {
		case 0: // a few
			for range r.IntN(20) {
				out.Add(uint32(base) + uint32(r.IntN(1<<16)))
			}
		case 1: // many
			for range 3000 + r.IntN(4000) {
				out.Add(uint32(base) + uint32(r.IntN(1<<16)))
			}
		case 2: // runs
			for range r.IntN(50) {
				from := base + uint64(r.IntN(1<<16))
				out.AddRange(from, from+uint64(r.IntN(3000)))
			}
		case 3: // all, and the edge to the next
			out.AddRange(base, base+1<<16)
		case 4: // every second
			for v := range uint32(1 << 15) {
				out.Add(uint32(base) + 2*v)
			}
		}
	}
	if r.IntN(2) == 0 {
		out.RunOptimize()
	}
	return out
}

// The library agrees, in values and that what we write is well-formed.
func TestUnionsAsTheLibraryMakesThem(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var u union
	for range 100 {
		a, b := random(r), random(r)
		left, err := a.ToBytes()
		require.NoError(t, err)
		right, err := b.ToBytes()
		require.NoError(t, err)
		require.NoError(t, u.check(left, 32))
		require.NoError(t, u.check(right, 32))
		u.out = u.out[:0]
		_, _, err = u.unite32(left, right)
		require.NoError(t, err)
		require.NoError(t, u.check(u.out, 32))
		require.LessOrEqual(t, len(u.out), 2*(len(left)+len(right))+32)
		got := roaring.New()
		n, err := got.ReadFrom(bytes.NewReader(u.out))
		require.NoError(t, err)
		require.Equal(t, int64(len(u.out)), n)
		require.NoError(t, got.Validate())
		require.True(t, roaring.Or(a, b).Equals(got))
	}
}

func TestUnionsOf64Bits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	var u union
	for range 40 {
		var in [2]*roaring64.Bitmap
		var b [2][]byte
		for i := range in {
			in[i] = roaring64.New()
			for range r.IntN(5) {
				high := uint64(r.IntN(6)) << 32
				for _, v := range random(r).ToArray() {
					in[i].Add(high | uint64(v))
				}
			}
			in[i].RunOptimize()
			var err error
			b[i], err = in[i].ToBytes()
			require.NoError(t, err)
			require.NoError(t, u.check(b[i], 64))
		}
		require.NoError(t, u.unite64(b[0], b[1]))
		require.NoError(t, u.check(u.out, 64))
		got := roaring64.New()
		_, err := got.ReadFrom(bytes.NewReader(u.out))
		require.NoError(t, err)
		require.True(t, roaring64.Or(in[0], in[1]).Equals(got))
	}
}

func TestWhatIsNoBitmap(t *testing.T) {
	good := bitmap32(t, 1, 5, 70000)
	array := hexes(good)
	runs := hexes(bitmap32(t, 1, 2, 3, 4, 5, 6, 7, 8))
	for _, tc := range []struct{ name, function, value, want string }{
		{"empty", "rbm32", "", "cut short"},
		{"three bytes", "rbm32", "3a3000", "cut short"},
		{"another cookie", "rbm32", "3930000001000000", "its first 4 bytes are 12345"},
		{"no size", "rbm32", "3a300000", "cut short"},
		{"cut short", "rbm32", array[:len(array)-2], "cut short"},
		{"bytes behind", "rbm32", array + "00", "bytes behind it"},
		{"65537 containers", "rbm32", "3a30000001000100", "65537 containers"},
		{"all containers in no bytes", "rbm32", "3b30ffff", "cut short"},
		{"values twice", "rbm32", "3a300000" + "01000000" + "00000100" + "10000000" + "05000500", "the value 5 after 5"},
		{"keys twice", "rbm32", "3a300000" + "02000000" + "0100000001000000" + "180000001a000000" + "05000600", "key 1 after 1"},
		{"another offset", "rbm32", "3a300000" + "01000000" + "00000000" + "11000000" + "0500", "said to start at 17 and starts at 16"},
		{"runs that overlap", "rbm32", "3b300000" + "01" + "00000700" + "0200" + "01000300" + "03000300", "a run from 3 to 6 after 4"},
		{"a run out of the container", "rbm32", "3b300000" + "01" + "00000700" + "0100" + "ffff0700", "a run from 65535 to 65542"},
		{"fewer values than said", "rbm32", "3b300000" + "01" + "00000800" + "0100" + "01000700", "has 8 values, it says 9"},
		{"no runs", "rbm32", "3b300000" + "01" + "00000000" + "0000", "has 0 values, it says 1"},
		{"32 for 64", "rbm64", array, ""},
		{"64 for 32", "rbm32", hexes(bitmap64(t, 1)), ""},
		{"parts without end", "rbm64", "ffffffffffffffff" + runs, "parts"},
		{"part twice", "rbm64", "0200000000000000" + "01000000" + array + "01000000" + array, "its part 1 comes after 1"},
		{"bytes behind 64", "rbm64", "0100000000000000" + "01000000" + array + "00", "bytes behind it"},
		{"64 cut short", "rbm64", "01000000000000", "cut short"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, write := range []Write{{}, overwrite} {
				w := aggregating(t, "BYTES", tc.function)
				_, _, err := w.session(write).Upsert(nil, nil, w.encode("1", tc.value))
				require.Equal(t, errcode.InvalidBatch, errcode.Of(err), "%v", err)
				require.ErrorContains(t, err, "is no serialized Roaring bitmap of "+tc.function[3:]+" bits: ")
				require.ErrorContains(t, err, tc.want)
				require.Equal(t, "v", errcode.From(err).Facts["column"])
			}
		})
	}
	// In a stored row it is damage.
	for _, function := range []string{"rbm32", "rbm64"} {
		w := aggregating(t, "BYTES", function)
		empty := map[string][]byte{"rbm32": bitmap32(t), "rbm64": bitmap64(t)}[function]
		_, _, err := w.session(Write{}).Upsert(nil, w.encode("1", "ff"), w.encode("1", hexes(empty)))
		require.Equal(t, errcode.Corrupt, errcode.Of(err))
	}
}

// Two containers of one key cost memory by their bytes, not by their values.
func TestUnionIsBounded(t *testing.T) {
	a, b := roaring.New(), roaring.New()
	for key := range uint64(1 << 16) {
		a.AddRange(key<<16, key<<16+5000)
		b.Add(uint32(key<<16 + 60000))
	}
	a.RunOptimize()
	left, err := a.ToBytes()
	require.NoError(t, err)
	right, err := b.ToBytes()
	require.NoError(t, err)
	var u union
	_, _, err = u.unite32(left, right)
	require.NoError(t, err)
	require.Less(t, len(u.out), 2*(len(left)+len(right)))
	require.Less(t, cap(u.made), 4*(len(left)+len(right)))
	u.shrink()
	require.LessOrEqual(t, cap(u.made), keepScratch)
	require.Zero(t, cap(u.left)+cap(u.right)+cap(u.both))
}

// Whatever is accepted is united without a panic, in bounds, and the same way round.
func FuzzBitmaps(f *testing.F) {
	for _, b := range [][]byte{bitmap32(f), bitmap32(f, 1, 2, 3, 4, 5, 6), bitmap32(f, 9, 70000, 1<<31)} {
		f.Add(b, bitmap32(f, 3, 9, 100000), false)
	}
	f.Add(bitmap64(f, 1, 1<<40), bitmap64(f, 2, 1<<41, 1<<40), true)
	f.Fuzz(func(t *testing.T, a, b []byte, wide bool) {
		var u union
		if !wide {
			if u.check(a, 32) == nil && u.check(b, 32) == nil {
				fuzzUnion32(t, &u, a, b)
			} else {
				_, _, _ = u.unite32(a, b) // as of a damaged row
			}
			return
		}
		good := u.check(a, 64) == nil && u.check(b, 64) == nil
		err := u.unite64(a, b)
		if good {
			require.NoError(t, err)
			require.NoError(t, u.check(u.out, 64))
		}
	})
}

func fuzzUnion32(t *testing.T, u *union, a, b []byte) {
	_, _, err := u.unite32(a, b)
	require.NoError(t, err)
	require.NoError(t, u.check(u.out, 32))
	require.LessOrEqual(t, len(u.out), 2*(len(a)+len(b))+32)
	got := bytes.Clone(u.out)
	u.out = u.out[:0]
	_, _, err = u.unite32(b, a)
	require.NoError(t, err)
	require.Equal(t, got, u.out)
	var want [2]*roaring.Bitmap
	for i, in := range [][]byte{a, b} {
		want[i] = roaring.New()
		if _, err := want[i].ReadFrom(bytes.NewReader(in)); err != nil {
			return // it is stricter, say about runs that touch
		}
	}
	have := roaring.New()
	_, err = have.ReadFrom(bytes.NewReader(got))
	require.NoError(t, err)
	require.True(t, roaring.Or(want[0], want[1]).Equals(have))
}

// Replicas of different versions must write the same bytes: these never change.
func TestGoldenUnions(t *testing.T) {
	var u union
	unite := func(a, b *roaring.Bitmap) []byte {
		left, err := a.ToBytes()
		require.NoError(t, err)
		right, err := b.ToBytes()
		require.NoError(t, err)
		u.out = u.out[:0]
		_, _, err = u.unite32(left, right)
		require.NoError(t, err)
		return u.out
	}
	require.Equal(t, "3a300000"+"01000000"+"00000200"+"10000000"+"010002000300", // an array, though a run were no longer
		hexes(unite(roaring.BitmapOf(1, 2), roaring.BitmapOf(2, 3))))
	a, b := roaring.New(), roaring.New()
	a.AddRange(10, 5000)
	a.AddRange(1<<16, 1<<17)
	b.AddRange(4000, 9000)
	for v := range uint32(10000) {
		b.Add(3<<16 + 3*v) // a bitset
		a.Add(3<<16 + 5*v)
	}
	b.Add(1<<16 + 5)
	b.Add(9 << 16)
	out := unite(a, b)
	require.Equal(t, "3b300300"+"03"+"00001d23"+"0100ffff"+"03004f46"+"09000000"+
		"25000000"+"2b000000"+"31000000"+"31200000"+"01000a001d23"+"01000000ffff", hexes(out[:4+1+16+16+6+6]))
	require.Equal(t, uint32(0x75fa99a7), crc32.ChecksumIEEE(out))
}
