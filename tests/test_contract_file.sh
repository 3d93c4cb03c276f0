#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_contract_file.sh: the contract of tokeep-store(3), kept by `file`.
exec test_contract file
