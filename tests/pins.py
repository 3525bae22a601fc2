"""Pin what requirements.in asks for, and all that it needs in turn, for every system, with digests of the files.

    python -m pip install uv
    python tests/pins.py [--upgrade] [uv's other options]

Without ``--upgrade`` what is pinned stays, and only what is new or gone changes.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON = "3.11"
COMMAND = (
    "-m uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-strip-extras "
    f"--python-version {OLDEST_PYTHON}"
)
WITH_EXTRAS = re.compile(r"^([\w.-]+)\[[\w, -]+\](==.*(?:\n    .*)*)", re.MULTILINE)


def main(options):
    for folder in (ROOT, ROOT / "tests"):  # the tests are held to the pins of the book
        file = folder / "requirements.txt"
        command = [sys.executable, *COMMAND.split(), *options, "requirements.in", "--output-file", file.name]
        subprocess.run(command, cwd=folder, check=True)
        # pip before 23.3 takes a package with extras for another one than the package, and wants both pinned.
        file.write_text(WITH_EXTRAS.sub(r"\1\2\n\g<0>", file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
