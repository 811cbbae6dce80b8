#!/bin/sh
# Generates a client for each schema that is named. `prisma generate` looks for the engine of `prisma migrate`, which it
# does not use, and would download it; with this it takes whatever is there.
cd "$(dirname "$0")" || exit
export PRISMA_SCHEMA_ENGINE_BINARY="${PRISMA_SCHEMA_ENGINE_BINARY:-/bin/true}"
for schema in "$@"; do npx --no-install prisma generate --schema "$schema" || exit; done
