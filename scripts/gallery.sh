#!/usr/bin/env bash
# Draws the gallery: runs the commands of docs/gallery.md, which are its indented lines, in DIRECTORY.
# usage: scripts/gallery.sh PROGRAM_DIRECTORY DIRECTORY
set -euo pipefail
page=$(dirname "$0")/../docs/gallery.md
templates=/usr/share/mricron/templates
commands=$(sed -n 's/^    //p' "$page")
PATH=$(realpath "$1"):$PATH
mkdir -p "$2"
cd "$2"
for brain in ch2 ch2bet ch2better aal; do
  [ -e "$templates/$brain.nii.gz" ] || { echo "$templates/$brain.nii.gz is missing: it is in Debian's mricron-data" >&2; exit 1; }
  ln -sf "$templates/$brain.nii.gz" .
done
sh -eu <<<"$commands"
