# `make help` lists the targets. Nothing needs to be installed but Go, make, python3 and, for connector-java, a JDK 17.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
TOOLS   := $(CURDIR)/.tools
VENV    := $(CURDIR)/.venv
BIN     := $(CURDIR)/bin/fluss
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/fluss-go/fluss/server/node.Version=$(VERSION)

# Pinned tools; the file name carries the version, so a new pin installs anew.
GOLANGCI_VERSION    := v2.15.0
BUF_VERSION         := v1.75.0
PROTOC_GEN_VERSION  := v1.36.12
PROTOC_GRPC_VERSION := v1.6.2
PYARROW_VERSION     := 26.0.1
MINIO_VERSION       := v0.0.0-20260212201848-7aac2a2c5b7c

# The lines of Flink that the SQL client is run with; see connector-java/flink-home.
FLINK_VERSIONS := 1.20.3 2.3.0
FLINK_HOMES    := $(TOOLS)/flink
MAVEN          := $(CURDIR)/connector-java/mvnw -B -q --no-transfer-progress

# Folders with Go code. A fuzz target runs for FUZZTIME.
PACKAGES := ./proto/... ./flight/... ./sdk/... ./lake/... ./server/... ./e2e/...
UNIT     := ./proto/... ./flight/... ./sdk/... ./lake/... ./server/...
FUZZTIME ?= 1m

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build bin/fluss
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./server/cmd/fluss

.PHONY: test
test: build vet $(VENV)/.pyarrow-$(PYARROW_VERSION) test-java ## Check and test everything but Flink's jobs, with the real binary
	FLUSS_BIN=$(BIN) FLUSS_PYTHON=$(VENV)/bin/python $(GO) test -timeout 20m ./...

.PHONY: test-java
test-java: ## Unit tests of the Java client and the Flink connector
	cd connector-java && $(MAVEN) test

.PHONY: connector
connector: ## Build the Flink connector: a jar for each line in connector-java/dist
	cd connector-java && $(MAVEN) -DskipTests package

.PHONY: e2e-flink
e2e-flink: build connector $(FLINK_VERSIONS:%=$(FLINK_HOMES)/%/.done) ## Flink jobs and Flink's SQL client against the real binary
	cd connector-java && FLUSS_BIN=$(BIN) $(MAVEN) -DskipUnitTests verify
	FLUSS_FLINK=$(FLINK_HOMES) FLUSS_BIN=$(BIN) $(GO) test -count=1 -timeout 20m ./e2e/flink

.PHONY: minio
minio: $(TOOLS)/minio-$(MINIO_VERSION) ## Build the object store that tests of the lake use: once, for minutes

.PHONY: e2e-lake
e2e-lake: build minio ## The lake against a real object store
	FLUSS_MINIO=$(TOOLS)/minio-$(MINIO_VERSION) FLUSS_BIN=$(BIN) $(GO) test -count=1 -timeout 20m ./lake/... ./e2e/lake/...

.PHONY: vet
vet: ## The quick checks: formatting, go vet
	@unformatted=$$(gofmt -l $(wildcard proto flight sdk lake server e2e)); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (run make fmt):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...

.PHONY: test-race
test-race: ## Unit tests with the race detector and all assertions
	$(GO) test -race -tags invariants -timeout 30m $(UNIT)

.PHONY: test-long
test-long: build $(VENV)/.pyarrow-$(PYARROW_VERSION) ## Random histories, crashes and kill -9 loops for much longer
	FLUSS_LONG=1 FLUSS_ROUNDS=500 FLUSS_BIN=$(BIN) FLUSS_PYTHON=$(VENV)/bin/python $(GO) test -tags invariants -timeout 120m -count=1 ./...

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME (1m)
	@for pkg in $$($(GO) list $(UNIT)); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

.PHONY: e2e
e2e: build $(VENV)/.pyarrow-$(PYARROW_VERSION) ## Only the tests with real processes
	FLUSS_BIN=$(BIN) FLUSS_PYTHON=$(VENV)/bin/python $(GO) test -count=1 -timeout 20m ./e2e/...

.PHONY: quickstart
quickstart: build ## See it work: a server, two tables, real rows, a live filtered read; cleans up after itself
	FLUSS_BIN=$(BIN) $(GO) run ./e2e/quickstart

.PHONY: bench
bench: build ## Measure against peers in one run (e2e/bench); minutes
	FLUSS_BIN=$(BIN) $(GO) run ./e2e/bench -out docs/benchmarks.md

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) ## golangci-lint, as .golangci.yml says
	$< run ./...

.PHONY: fmt
fmt: ## Format the code
	gofmt -w $(wildcard proto flight sdk lake server e2e)

.PHONY: tidy-check
tidy-check: ## Fail when go.mod or go.sum is not tidy
	$(GO) mod tidy -diff

.PHONY: generate
generate: $(TOOLS)/buf-$(BUF_VERSION) $(TOOLS)/protoc-gen-go-$(PROTOC_GEN_VERSION) $(TOOLS)/protoc-gen-go-grpc-$(PROTOC_GRPC_VERSION) ## Write generated code and documentation anew
	$(TOOLS)/buf-$(BUF_VERSION) generate
	$(GO) generate ./...

.PHONY: generate-check
generate-check: generate ## Fail when something generated is stale
	git diff --exit-code -- proto docs server sdk flight

.PHONY: clean
clean: ## Remove what was built; tools and data stay
	rm -rf bin connector-java/dist connector-java/*/target
	$(GO) clean -testcache

# install-tool,NAME,VERSION,PACKAGE: NAME-VERSION, and a link NAME for configuration files that name it.
define install-tool
$(TOOLS)/$(1)-$(2):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) nice $(GO) install $(3)@$(2)
	mv $(TOOLS)/$(1) $(TOOLS)/$(1)-$(2)
	ln -sf $(1)-$(2) $(TOOLS)/$(1)
endef
$(eval $(call install-tool,golangci-lint,$(GOLANGCI_VERSION),github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
$(eval $(call install-tool,buf,$(BUF_VERSION),github.com/bufbuild/buf/cmd/buf))
$(eval $(call install-tool,protoc-gen-go,$(PROTOC_GEN_VERSION),google.golang.org/protobuf/cmd/protoc-gen-go))
$(eval $(call install-tool,minio,$(MINIO_VERSION),github.com/minio/minio))
$(eval $(call install-tool,protoc-gen-go-grpc,$(PROTOC_GRPC_VERSION),google.golang.org/grpc/cmd/protoc-gen-go-grpc))

.PHONY: bench-flink
bench-flink: build connector $(FLINK_VERSIONS:%=$(FLINK_HOMES)/%/.done) ## How fast jobs of Flink write, read and look up
	FLUSS_BENCH=1 FLUSS_FLIGHTS=$(abspath $(wildcard ../shared/data/flights-3m.parquet)) FLUSS_FLINK=$(FLINK_HOMES) FLUSS_BIN=$(BIN) $(GO) test -count=1 -timeout 30m -run TestSpeed -v ./e2e/flink

$(FLINK_HOMES)/%/.done:
	cd connector-java && $(MAVEN) -f flink-home -Dflink.version=$* -Dhome=$(FLINK_HOMES)/$* package
	@touch $@

$(VENV)/.pyarrow-$(PYARROW_VERSION):
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check pyarrow==$(PYARROW_VERSION)
	@touch $@
