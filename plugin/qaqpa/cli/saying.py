# SPDX-License-Identifier: Apache-2.0
"""What goes to standard error, line by line: harmless for terminals and for runners of workflows, without passwords."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

from qaqpa.escape import visible, without_credentials

_LONGEST = 5000
# A runner of workflows takes a line for a command where it begins like this, blanks left out.
_COMMAND = re.compile(r"^(\s*)::")


def say(text: object) -> None:
    """Prints one line on standard error."""
    line = visible(without_credentials(text), _LONGEST)
    print(_COMMAND.sub(r"\1\\u003a:", line), file=sys.stderr)


class Parser(argparse.ArgumentParser):
    """A parser whose messages quote arguments harmlessly."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the arguments, and exits with 2."""
        self.print_usage(sys.stderr)
        say(f"{self.prog}: error: {message}")
        sys.exit(2)
