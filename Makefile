# One name a job, the same names in continuous integration.
.DEFAULT_GOAL := help
.PHONY: help demo run test fmt lint deny unit peers bench fuzz doc package setup

help: ## list the jobs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: ## build, then talk to the built-in echo (a window; without a display, on the command line)
	@scripts/setup.sh build
	cargo run --locked -- demo

run: ## build and open the phone; ARGS="call sip:600@…" for the command line
	@scripts/setup.sh build
	cargo run --locked -- $(ARGS)

test: ## everything that must hold: format, lints, tests, real peers, real window
	@scripts/gate.sh

fmt: ## write the one format
	cargo fmt

lint: ## format and lints, as the gate has them
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

deny: ## licences, advisories, sources, doubled crates (needs cargo-deny)
	@scripts/deny.sh

unit: ## the tests that need nothing but Rust
	@scripts/gate.sh unit

peers: ## the tests against Kamailio, baresip and SIPp
	@scripts/gate.sh peers

bench: ## measure the sound path
	cargo bench --locked

fuzz: ## every reader of foreign bytes, ten minutes each (needs cargo-fuzz); ARGS="60 sip"
	@scripts/fuzz.sh $(ARGS)

doc: ## the library's documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

package: ## the program with licence and read-me, as dist/ramal-VERSION-SYSTEM.tar.gz
	@scripts/package.sh

setup: ## install what building and testing need
	@scripts/setup.sh test
