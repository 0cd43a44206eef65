#!/usr/bin/env python3
"""Runs a sweep with HyperQueue's Python package (pip install hyperqueue), on a cluster of this machine's own.

    python3 scripts/cluster/hyperqueue.py FILE [--workers N] [--cores N] [OPTIONS OF fl-cli sweep plan ...]

For a server that is running already, give its folder by HQ_SERVER_DIR. FL_CLI names the program, fl-cli if it is not
set. Runs that are done are left out, and those that were interrupted go on; start it again as often as you like.
"""

import argparse
import os
import subprocess
import sys


def main() -> int:
    # This file has the name of the package that it needs.
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
    from hyperqueue import Client, Job, LocalCluster
    from hyperqueue.cluster import WorkerConfig

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    args, more = parser.parse_known_args()

    program = os.environ.get("FL_CLI", "fl-cli")
    plan = [program, "sweep", "plan", args.file, "--lines", *more]
    lines = subprocess.run(plan, check=True, capture_output=True, text=True).stdout.splitlines()
    if not lines:
        print("nothing is left to run")
        return 0
    job = Job(default_workdir=os.getcwd(), max_fails=None, name=args.file)
    for number, line in enumerate(lines):
        # The sweep's own files are the record; what a run prints goes nowhere but errors.
        job.program(["sh", "-c", line], name=f"{number}", stdout=None, stderr=f"hq-{number}.err")

    def run(client: Client) -> int:
        done = client.wait_for_jobs([client.submit(job)], raise_on_error=False)
        for number in range(len(lines)):
            errors = f"hq-{number}.err"
            if os.path.exists(errors) and os.path.getsize(errors) == 0:
                os.remove(errors)
        return 0 if done else 1

    server = os.environ.get("HQ_SERVER_DIR")
    if server:
        return run(Client(server))
    with LocalCluster() as cluster:
        for _ in range(args.workers):
            cluster.start_worker(WorkerConfig(cores=args.cores))
        return run(cluster.client())


if __name__ == "__main__":
    sys.exit(main())
