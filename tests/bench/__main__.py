"""`python -m tests.bench ingest [--json]`: progress on standard error, figures on standard output.

The exit status says whether the count was right (stored = acknowledged), never whether it was quick.
"""

import argparse
import json
import sys
from dataclasses import asdict

from tests.bench import ingest


def main() -> int:
    """Runs the bench that is named; 1 where what was acknowledged is not what is stored."""
    plan = ingest.Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("bench", choices=["ingest"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=plan.seconds, help="of one round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=plan.rounds, help="rounds (default: %(default)s)")
    parser.add_argument(
        "--in-flight", type=int, default=plan.in_flight, help="requests at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--templates", type=int, default=plan.templates, help="distinct requests (default: %(default)s)"
    )
    options = parser.parse_args()
    plan = ingest.Plan(
        seconds=options.seconds,
        noop_seconds=min(options.seconds, plan.noop_seconds),
        paced_seconds=min(options.seconds, plan.paced_seconds),
        in_flight=options.in_flight,
        rounds=options.rounds,
        templates=options.templates,
    )
    figures = asdict(ingest.measure(plan, lambda line: print(line, file=sys.stderr, flush=True)))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    wrong = figures["stored_spans"] != figures["acked_spans"] or figures["errors"]
    if wrong:
        print("what is stored is not what was acknowledged, or a request failed: see above", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
