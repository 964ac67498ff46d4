# SPDX-License-Identifier: Apache-2.0
"""The demo: a real MLflow server behind the gate, two models trained on real data, and evidence measured on them."""
