# SPDX-License-Identifier: Apache-2.0
"""Qaqpa keeps a machine-learning model out of production until the evidence that is asked for is there."""

__version__ = "0.1.0"
