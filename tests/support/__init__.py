# SPDX-License-Identifier: Apache-2.0
"""What tests share: sound evidence for every control of `article-baseline`, statements of it, and a fake engine."""
