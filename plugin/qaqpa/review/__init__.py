# SPDX-License-Identifier: Apache-2.0
"""The check of a pull request: the models of a tree, each against its state at a base, judged by the base's own rules."""
