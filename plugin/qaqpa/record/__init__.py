# SPDX-License-Identifier: Apache-2.0
"""What was decided, kept and carried: the signed verdict, and its verification without us."""
