# SPDX-License-Identifier: Apache-2.0
"""The check of a pull request: each model of a tree against its state at a base, judged by the rules of the base."""
