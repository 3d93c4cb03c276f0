#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""token.py: what `tokeep token` costs for a valid token, beside a C program that only prints hello.

    tests/bench/token.py [--rounds N] [--sizes 10,10000,1000000] [--tokeep PATH]

Whole processes, all candidates in turn in each round, so that a machine whose speed drifts slows them alike. Prints
medians and ratios to hello; also how long the import took. oidc-token takes part where an agent runs with an account
named in $OIDC_ACCOUNT.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HELLO = '#include <stdio.h>\nint main(void)\n{\n\tputs("hello");\n\treturn 0;\n}\n'
LATER = 4102444800000  # 2100, in ms: valid for ever


def records(count):
    for i in range(count):
        yield json.dumps({
            "user_name": f"user{i}@example.com:{60000000000 + i}", "client_id": "1000.CLIENT",
            "refresh_token": f"1000.{i:032x}.{i * 7:032x}", "access_token": f"1000.{i * 3:032x}.{i * 11:032x}",
            "expiry_time": str(LATER), "api_domain": "https://www.zohoapis.eu", "token_type": "Bearer",
            "grant_type": "authorization_code", "issued_time": "1700000000000", "refreshed_time": "1700000000000",
            "status": "ok"})


class Setting:
    """One store with so many tokens, and the command that prints one of them."""

    def __init__(self, folder, tokeep, store, count):
        self.name, self.count = store, count
        self.config = os.path.join(folder, f"{store}-{count}.conf")
        path = os.path.join(folder, f"{store}-{count}.data")
        with open(self.config, "w", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            out.write(f'store = "{store}";\n{store} = {{ path = "{path}"; }};\nstate_dir = "{folder}/state";\n')
        started = time.monotonic()
        load = subprocess.Popen([tokeep, "-q", "-c", self.config, "import", "-"], stdin=subprocess.PIPE, text=True)
        for line in records(count):
            load.stdin.write(line + "\n")
        load.stdin.close()
        if load.wait():
            sys.exit(f"{self.config}: the import failed")
        self.import_s = time.monotonic() - started
        middle = count // 2
        self.argv = [tokeep, "-c", self.config, "token", f"user{middle}@example.com:{60000000000 + middle}"]
        self.wanted = f"1000.{middle * 3:032x}.{middle * 11:032x}\n"

    def label(self):
        return f"tokeep token, {self.name}, {self.count:,} tokens"


def run(argv):
    """Wall time of one process in ms, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True)
    return (time.perf_counter() - started) * 1000, done.stdout.decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--sizes", default="10,10000,1000000")
    parser.add_argument("--tokeep", default=shutil.which("tokeep"))
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tokeep-bench.")
    try:
        hello = os.path.join(folder, "hello")
        with open(hello + ".c", "w") as out:
            out.write(HELLO)
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", hello, hello + ".c"], check=True)
        settings = []
        for store in ("file", "sqlite"):
            for size in (int(s) for s in args.sizes.split(",")):
                if store == "file" and size > 100000:
                    continue  # every save writes the file whole: it is not made for a million
                settings.append(Setting(folder, args.tokeep, store, size))
        candidates = [("hello", [hello], "hello\n")] + [(s.label(), s.argv, s.wanted) for s in settings]
        if os.environ.get("OIDC_ACCOUNT") and shutil.which("oidc-token"):
            candidates.append(("oidc-token", ["oidc-token", os.environ["OIDC_ACCOUNT"]], None))
        times = {name: [] for name, _, _ in candidates}
        for _ in range(args.rounds):
            for name, argv, wanted in candidates:
                ms, printed = run(argv)
                if wanted and printed != wanted:
                    sys.exit(f"{name}: printed another token than the one asked for")
                times[name].append(ms)
        base = statistics.median(times["hello"])
        print(f"{'':44}{'median ms':>10}{'to hello':>10}{'import s':>10}")
        for name, _, _ in candidates:
            median = statistics.median(times[name])
            imported = [s.import_s for s in settings if s.label() == name]
            print(f"{name:44}{median:10.2f}{median / base:10.2f}" + (f"{imported[0]:10.1f}" if imported else ""))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
