#!/usr/bin/env bash
# Runs one fuzz target on its seeds for some seconds and prints one line, or what it found:
#     scripts/fuzz.sh build/fuzz/tests/fuzz/NAME_fuzz SECONDS
set -euo pipefail
target=$1 seconds=$2
corpus=$(dirname "$target")/corpus/$(basename "$target")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
  -artifact_prefix="$work/" "$work" "$corpus" >"$work/log" 2>&1; then
  printf '%s: %s inputs in %s s, nothing found\n' "$(basename "$target")" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")" "$seconds"
else
  tail -n 60 "$work/log"
  for input in "$work"/crash-* "$work"/oom-* "$work"/timeout-* "$work"/leak-*; do
    [ ! -f "$input" ] || { echo "$(basename "$input"), in base64:" && base64 "$input"; }
  done
  exit 1
fi
