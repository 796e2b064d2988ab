package objstore

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxKeyBytes is S3's bound of a key, less what a root may take of it.
const maxKeyBytes = 900

// checkKey refuses keys that not every store can hold.
func checkKey(key string) error {
	switch {
	case key == "" || len(key) > maxKeyBytes:
		return fmt.Errorf("object key of %d bytes: it must have 1 to %d", len(key), maxKeyBytes)
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return fmt.Errorf("object key %q is not UTF-8 text", key)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			return fmt.Errorf("object key %q: the parts between slashes must be 1 to 255 bytes long, and not . or ..", key)
		}
	}
	return nil
}

func checkRange(key string, off int64) error {
	if off < 0 {
		return fmt.Errorf("%s: reading from byte %d: objects begin at 0", key, off)
	}
	return nil
}
