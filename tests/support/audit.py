"""Known holes in our dependencies, by pip-audit; says loudly of which it could learn nothing.

pip-audit itself passes in silence over packages that its service does not know, and breaks off where there is
no service at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 300


def verdict(report: dict[str, Any] | None) -> tuple[list[str], list[str]]:
    """The holes found and what could not be audited, in words; None: there is no report at all."""
    if report is None:
        return [], ["all dependencies: pip-audit has given no report"]
    holes, unknown = [], []
    for package in report.get("dependencies", []):
        if "skip_reason" in package:
            unknown.append(str(package["name"]))
        for hole in package.get("vulns", []):
            fixed = ", ".join(hole.get("fix_versions") or ["no version"])
            holes.append(f"{package['name']} {package['version']}: {hole['id']}, mended in {fixed}")
    if not report.get("dependencies"):
        unknown.append("all dependencies: the report is empty")
    return holes, unknown


def audit(requirements: Path) -> dict[str, Any] | None:
    """The report of pip-audit about a locked list; None when there is none."""
    command = [
        str(Path(sys.executable).parent / "pip-audit"),
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    command += ["--disable-pip", "--require-hashes", "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        report: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return report


def main(arguments: list[str]) -> int:
    """1 when there are holes."""
    holes, unknown = verdict(audit(Path(arguments[0])))
    if unknown:
        some = f"{len(unknown)} packages ({', '.join(unknown[:3])}{', …' * (len(unknown) > 3)})"
        line = f"NOT AUDITED, known holes would not be noticed: {some}"
        sys.stderr.write(f"::warning::{line}\n\n*** {line} ***\n\n")
    for hole in holes:
        sys.stderr.write(f"{hole}\n")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
