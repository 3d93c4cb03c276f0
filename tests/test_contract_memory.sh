#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_contract_memory.sh: the contract of tokeep-store(3), kept by `memory`.
exec test_contract memory
