#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Formats all C files as tests/lint/format.test wants them.
set -eu
cd "$(dirname "$0")/.."
tool=$(command -v clang-format-14 || command -v clang-format)
find src include tests bench -name '*.[ch]' 2>/dev/null | xargs "$tool" -i --style=file
