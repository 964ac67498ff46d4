# SPDX-License-Identifier: Apache-2.0
"""The command line: each module parses, calls and prints for one command."""
