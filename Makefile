.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

help: ## says what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

test: packages .venv/ready ## installs what the tests need, builds, runs all tests that can run so far
	swift build --build-tests -Xswiftc -warnings-as-errors
	deploy/dev/swift-test --skip-build -Xswiftc -warnings-as-errors
	cd Tests/Acceptance && ../../$(PYTHON) -m pytest test_oracle.py test_servers.py test_validation.py test_registries.py

format: ## formats the sources
	swift format --in-place --recursive --parallel Sources Tests Package.swift

packages:
	@deploy/dev/install-packages

.venv/ready: Tests/Acceptance/requirements.txt
	@echo "== Python packages of the acceptance tests, into .venv"
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement $<
	@touch $@

.PHONY: help test format packages
