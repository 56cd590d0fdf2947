package words_test

import (
	"fmt"

	"gmptrace/analyze/words"
)

func ExampleLength() {
	for _, ns := range []int64{0, 640, 57_700_000, 1_234_600_000_000} {
		fmt.Println(words.Text(words.Length(ns)))
	}
	// Output:
	// 0 s
	// 640 ns
	// 57.7 ms
	// 1235 s
}

func ExampleText() {
	s := words.Plural(12_345, "goroutine") + " of " + words.Function("example.com/shop.work") + " waited"
	fmt.Println(words.Text(s))
	fmt.Println(words.Machine(s))
	// Output:
	// 12,345 goroutines of shop.work waited
	// 12345 goroutines of shop.work waited
}

func ExampleShare() {
	fmt.Println(words.Text(words.Share(.0004)), words.Text(words.Share(.42)), words.Text(words.Share(.9996)))
	// Output: <0.1 % 42 % >99.9 %
}

func ExampleGoroutine() {
	fmt.Println(words.Goroutine(12, "example.com/shop.work"))
	// Output: G12 (shop.work)
}

func ExamplePlace() {
	fmt.Println(words.Place("example.com/shop.load", "shop.go", 12))
	// Output: shop.load (shop.go:12)
}
