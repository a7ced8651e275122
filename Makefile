# Gazpacho. `make` alone lists the targets.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 20s
EACH     ?= 10s
RUN      ?=
VERSIONS ?= 3.27.1 3.19.3 3.14.16

# Tools are pinned: what passes today passes tomorrow.
STATICCHECK := v0.8.2
GOFUMPT     := v0.12.0

export CGO_ENABLED ?= 0

UI := pkg/web/ui

.DEFAULT_GOAL := help
.PHONY: help run build web test conformance race attack fuzz soak bench lint verify e2e clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  \033[1mmake %-11s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then start the controller, its workers and the demo page on https://localhost:4443
	bin/controller $(RUN)

build: web ## build bin/controller and bin/worker, the demo page inside
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/controller ./cmd/worker

web: pkg/web/page/dist/index.html ## bundle the demo page (installs Node as root on Debian if it is missing)

test: deps build ## run every test, Chromium's too (installs what they need as root on Debian)
	$(GO) vet ./...
	$(GO) test -timeout 15m $$($(GO) list ./... | grep -v /pkg/e2e)
	WORKER=bin/worker scripts/conformance.sh 3.27.1
	$(GO) test -count=1 -timeout 10m ./pkg/e2e
	$(GO) test -count=1 -timeout 10m -tags e2e ./pkg/web

conformance: build ## run mediasoup's own tests, as npm has them, against the worker: VERSIONS (default three of them)
	@scripts/deps.sh node openssl
	WORKER=bin/worker scripts/conformance.sh $(VERSIONS)

e2e: deps build ## only the tests in a real browser; screenshots land in e2e-screenshots
	$(GO) test -count=1 -timeout 10m -v ./pkg/e2e
	$(GO) test -count=1 -timeout 10m -tags e2e ./pkg/web

race: ## run every test but the browser's under the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v pkg/e2e)

attack: ## send every bad thing for EACH (default 10s) while calls run, and print the figures
	$(GO) test -count=1 -timeout 60m -v ./pkg/attack -args -long -each $(EACH)

fuzz: ## fuzz every parser and machine, FUZZTIME each (default 20s)
	@scripts/fuzz.sh $(FUZZTIME)

soak: ## a million requests against a model, and 100,000 lives of every object: nothing may be left
	SOAK=1 $(GO) test -count=1 -timeout 30m -v -run 'LifeCycle|CreatedAndClosed' ./pkg/worker
	SOAK=1 $(GO) test -count=1 -timeout 30m -v -run Model ./pkg/turn

bench: ## the kept benchmarks, with their floors beside them
	@scripts/bench.sh

lint: ## vet, staticcheck and gofumpt
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) ./...
	cd $(UI) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npx tsc --noEmit
	@out=$$($(GO) run mvdan.cc/gofumpt@$(GOFUMPT) -l .); [ -z "$$out" ] || { echo "gofumpt would change:"; echo "$$out"; exit 1; }

verify: lint race test ## all that must hold before a change lands

clean: ## remove what was built
	rm -rf bin pkg/web/page/dist e2e-screenshots

.PHONY: deps
deps:
	@scripts/deps.sh node chromium coturn curl ffmpeg python3 openssl

$(UI)/node_modules/.package-lock.json: $(UI)/package.json $(UI)/package-lock.json
	@scripts/deps.sh node
	cd $(UI) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

pkg/web/page/dist/index.html: $(UI)/node_modules/.package-lock.json $(shell find $(UI)/src pkg/web/bundle -type f 2>/dev/null)
	$(GO) run ./pkg/web/bundle
