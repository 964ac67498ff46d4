# SPDX-License-Identifier: Apache-2.0
"""The policies and the two engines that evaluate them."""
