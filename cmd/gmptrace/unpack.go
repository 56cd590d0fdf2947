package main

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// unpacked reads what r has, decompressed where it is compressed in a way in which traces
// are recognised too. The function that it returns ends that.
func unpacked(r io.Reader) (io.Reader, func(), error) {
	in := bufio.NewReader(r)
	magic, _ := in.Peek(4) // an error comes again when it is read
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		return z, func() {}, err
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, func() {}, err
		}
		return z, z.Close, nil
	}
	return in, func() {}, nil
}
