# make test is all that a fresh machine with Go, make and a C compiler needs;
# CONTRIBUTING.md says what the other targets are for.

SHELL := /bin/bash
GO    ?= go
BIN   := bin

# What to measure: sizes in MB, 64p (GOMAXPROCS 64), 1M (a million goroutines).
SIZES ?= 10 100 500 64p 1M
# Where bench puts its traces; empty for the system's temporary folder.
BENCHDIR ?=
# Where accuracy keeps its recordings; empty to keep none.
ACCDIR ?=
# Where incidents and cases keep their recordings; empty to keep none. ONLY names some.
INCDIR ?=
ONLY   ?=
# For each fuzz target.
FUZZTIME ?= 30s

.PHONY: build
build:
	$(GO) build -o $(BIN)/gmptrace ./cmd/gmptrace

# What is tested with the race detector: what starts goroutines, where tests of it take long
# by those of its tests that run at once. It slows tests down by ten times.
RACED := ./analyze/internal/load ./analyze/flight ./analyze/fleet ./render/serve ./cmd/gmptrace/mcp
RACED_IN_PART := ./analyze/replay:TestCuts/esbuild ./analyze/whatif:TestLengths ./render:TestBlock ./cmd/gmptrace:TestServeTwo

.PHONY: test
test: lint chromium
	$(GO) test -race -timeout 20m $(RACED)
	@set -e; for part in $(RACED_IN_PART); do set -x; $(GO) test -race -timeout 20m -run "$${part#*:}" "$${part%%:*}"; { set +x; } 2>/dev/null; done
	$(GO) test -timeout 20m $$($(GO) list ./... | grep -vxF "$$($(GO) list $(RACED))")
	cd analyze/flight/otel && $(GO) vet ./... && $(GO) test -race ./...
	cd analyze/export/tables/duckdb && $(GO) vet ./... && $(GO) test ./...
	cd analyze/fleet/duckdb && $(GO) vet ./... && $(GO) test ./...
	cd cmd/gmptrace/beam && $(GO) vet ./... && $(GO) test -vet=off ./...
	@echo "vet, staticcheck, gofmt and all tests: passed"

.PHONY: lint
lint:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@bad="$$("$$($(GO) env GOROOT)/bin/gofmt" -l cmd analyze model render fixtures)"; \
	  test -z "$$bad" || { echo "not formatted (gofmt -w):"; echo "$$bad"; exit 1; } >&2

# The browser that the tests of the page need.
.PHONY: chromium
chromium:
	@.ci/chromium

.PHONY: pgo
pgo:
	@dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; \
	  $(GO) run ./fixtures/tools/bench gen -size 60MB -procs 2 -o "$$dir/2p.trace" && \
	  $(GO) run ./fixtures/tools/bench gen -size 40MB -procs 64 -o "$$dir/64p.trace" && \
	  $(GO) run -trimpath ./fixtures/tools/bench profile -o cmd/gmptrace/default.pgo "$$dir/2p.trace" "$$dir/64p.trace"

.PHONY: bench
bench:
	$(GO) run ./fixtures/tools/bench run -dir "$(BENCHDIR)" $(SIZES)

# What each command takes when a trace doubles in one way: AXES names some of the
# ways, DOUBLINGS is how often.
AXES ?=
DOUBLINGS ?= 2
.PHONY: growth
growth:
	$(GO) run ./fixtures/tools/bench growth -dir "$(BENCHDIR)" -doublings $(DOUBLINGS) $(AXES)

# Record real programs again: README.md of fixtures.
.PHONY: fixtures
fixtures:
	fixtures/tools/record.sh

# What every command says of every fixture, one file a run, to compare before and
# after a change: fixtures/tools/outputs. ONLY is a regular expression of names.
OUTPUTS ?= $(BIN)/outputs
.PHONY: outputs
outputs:
	$(GO) run ./fixtures/tools/outputs -only "$(ONLY)" -o "$(OUTPUTS)"

# How often an inferred decision is right, against a runtime that logs them.
.PHONY: accuracy
accuracy:
	@dir="$(ACCDIR)"; test -n "$$dir" || { dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; }; \
	  $(GO) run ./fixtures/tools/oracle record -o "$$dir" || echo "some recordings failed: the table lacks them" >&2; \
	  $(GO) run ./fixtures/tools/oracle score "$$dir"/*.trace

# Whether the cause of a known delay is named, and how much of it: fixtures/tools/incidents.
.PHONY: incidents
incidents:
	@dir="$(INCDIR)"; test -n "$$dir" || { dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; }; \
	  $(GO) run ./fixtures/tools/incidents record -o "$$dir" $(ONLY) && \
	  $(GO) run ./fixtures/tools/incidents table "$$dir"

# Whether gmptrace says what has to be said of programs with one fault each.
.PHONY: cases
cases:
	@dir="$(INCDIR)"; test -n "$$dir" || { dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; }; \
	  $(GO) run ./fixtures/tools/incidents record-cases -o "$$dir" $(ONLY) && \
	  $(GO) run ./fixtures/tools/incidents table-cases -why "$$dir"

# How well gmptrace whatif predicts what programs do that are really changed:
# fixtures/tools/whatif. The machine should do nothing else meanwhile.
WHATIFDIR ?=
ROUNDS ?= 3
.PHONY: whatif-accuracy
whatif-accuracy:
	@dir="$(WHATIFDIR)"; test -n "$$dir" || { dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; }; \
	  $(GO) build -o "$$dir/whatif" ./fixtures/tools/whatif && \
	  "$$dir/whatif" record -o "$$dir/pool" -rounds $(ROUNDS) -only "$(or $(ONLY),fitted,held)" && \
	  "$$dir/whatif" measure "$$dir/pool"

# How often gmptrace check --fixture is right, of four programs, unchanged and made worse:
# fixtures/tools/drift.
DRIFTDIR ?=
DRIFTROUNDS ?= 10
.PHONY: drift
drift:
	@dir="$(DRIFTDIR)"; test -n "$$dir" || { dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; }; \
	  $(GO) build -o "$$dir/drift" ./fixtures/tools/drift && \
	  "$$dir/drift" record -o "$$dir/pool" -rounds $(DRIFTROUNDS) && \
	  "$$dir/drift" measure "$$dir/pool"

.PHONY: fuzz
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg || exit 1; \
	  done; \
	done

# The page's script is committed, so that building gmptrace needs no npm.
.PHONY: bundle
bundle:
	cd render/static && npm ci --no-audit --no-fund && npm run build

.PHONY: bundle-check
bundle-check:
	@was="$$(cat render/static/gmptrace.bundle.js)"; $(MAKE) bundle || exit 1; \
	  test "$$was" = "$$(cat render/static/gmptrace.bundle.js)" || \
	  { echo "render/static/gmptrace.bundle.js is not what its sources make: commit what make bundle made" >&2; exit 1; }

# The pictures in the README.
.PHONY: screenshots
screenshots: chromium
	$(GO) test ./render -run TestScreenshots -count 1 -screenshots "$(CURDIR)/.github/screenshots"

# Binaries for others: the same sources and Go give the same bytes. VERSION is stamped.
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
DIST      ?= $(BIN)/dist
PLATFORMS ?= $(foreach os,linux darwin windows freebsd,$(os)/amd64 $(os)/arm64)
.PHONY: dist
dist:
	@rm -rf "$(DIST)" && mkdir -p "$(DIST)"
	@for platform in $(PLATFORMS); do \
	  os=$${platform%/*} arch=$${platform#*/}; \
	  name="gmptrace-$(VERSION)-$$os-$$arch"; test $$os != windows || name="$$name.exe"; \
	  echo "$(DIST)/$$name"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOAMD64=v1 GOARM64=v8.0 GOFLAGS= \
	    $(GO) build -trimpath -buildvcs=auto -ldflags "-s -w -X main.release=$(VERSION)" -o "$(DIST)/$$name" ./cmd/gmptrace || exit 1; \
	done
	@cd "$(DIST)" && { sha256sum gmptrace-* 2>/dev/null || shasum -a 256 gmptrace-*; } >SHA256SUMS && cat SHA256SUMS
