#!/bin/sh
# Builds the C host: build.sh CORE.wasm OUTPUT-FOLDER. Needs Debian's wabt (wasm2c and its runtime) and gcc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
runtime=${WASM2C_RUNTIME:-/usr/share/wabt/wasm2c}
wasm2c "$1" -n sallyport_core -o "$2/core.c"
"${CC:-gcc}" -O2 -fno-strict-aliasing -I "$2" -I "$here/../../../include" -I "$runtime" \
  "$here/host.c" "$2/core.c" "$runtime/wasm-rt-impl.c" -lm -o "$2/host"
