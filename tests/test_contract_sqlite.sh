#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_contract_sqlite.sh: the contract of tokeep-store(3), kept by `sqlite`.
exec test_contract sqlite
