#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_contract_list.sh: the contract of tokeep-store(3), kept by `list`.
exec test_contract list
