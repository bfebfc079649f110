"""All benchmarks, one after the other: ``make bench``, or ``python -m benchmarks order_check``."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmarks named on the command line, or all; return 1 if one fails."""
    folder = Path(__file__).parent
    known = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("__"))
    wanted = sys.argv[1:] or known
    if unknown := set(wanted) - set(known):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        return 2
    failed = 0
    for name in wanted:
        print(f"\n== {name}", flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=folder.parent, check=False).returncode != 0
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
