package compare

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
)

// fixtureHead is how much of a file tells whether it is a fixture: the schema is what one
// begins with.
const fixtureHead = 512

var fixtureStart = regexp.MustCompile(`^\s*\{\s*"schema"\s*:\s*"gmptrace\.fixture/`)

// readFixtureFile reads a file that begins as a fixture does, whatever is wrong with it
// further on. Any other is refused before it is read, as it may be a trace of gigabytes, and
// without the advice to record the fixture again there, which would replace who knows what.
func readFixtureFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := bufio.NewReader(file)
	head, err := r.Peek(fixtureHead)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !fixtureStart.Match(head) {
		return nil, fmt.Errorf("%s: %s", name, notAFixture(head))
	}
	return io.ReadAll(r)
}

// notAFixture says what a file is that is no fixture, by how it begins, and what to give instead.
func notAFixture(head []byte) string {
	const give = "give the folder that gmptrace fixture record TRACE... -o DIR wrote, or the " + FixtureFile + " in it"
	begins := func(with string) bool { return bytes.HasPrefix(head, []byte(with)) }
	text := bytes.TrimSpace(head)
	switch {
	case len(text) == 0:
		return "it is empty, no fixture: " + give
	case begins("go 1."):
		return "it is a trace, no fixture: " + give
	case begins("\x1f\x8b"), begins("\x28\xb5\x2f\xfd"):
		return "it is compressed, as traces are, no fixture: " + give
	case text[0] == '{':
		return "it is JSON, but does not begin with the schema of a fixture, " + FixtureSchema + ": " + give
	}
	return "it is no fixture, which is JSON: " + give
}
