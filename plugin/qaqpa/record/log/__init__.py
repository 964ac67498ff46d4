# SPDX-License-Identifier: Apache-2.0
"""The decision log: an SQL table of signed rows, each of which names the one before it.

It needs SQLAlchemy, which comes with MLflow.
"""
