# SPDX-License-Identifier: Apache-2.0
"""How long one decision takes in each engine, on the same input and in the same run. Factors count, not digits."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa.gate import input_document
from qaqpa.model import JsonObject
from qaqpa.policy.check import check_document, check_input
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.opa import run_opa
from qaqpa.policy.samples import samples
from qaqpa.policy.server import OpaServerEngine
from support.contents import every_content
from support.opa import opa_server, snapshot
from support.statements import NOW, carried, everything_of_all_profiles, request

RUNS = 500


def median_ms(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e6


def opa_bench_ms(policies: Path, document: JsonObject) -> float:
    """OPA's own measure of evaluation alone, its median: no process, no HTTP, no JSON."""
    file = policies.parent / "bench.json"
    file.write_text(json.dumps(document), "utf-8")
    options = ["--format", "json", "--count", "1", "--metrics", "-b", policies.name, "-i", str(file)]
    said = run_opa(["bench", *options, "data.qaqpa.gate.decision"], policies.parent)
    return float(json.loads(said)["Extra"]["histogram_timer_rego_query_eval_ns_median"]) / 1e6


PROFILES = ["article-baseline", "kz", "eu-ai-act-high-risk"]


def forty_pieces() -> JsonObject:
    """Forty pieces of signed evidence that pass, judged by three profiles that ask for all thirty-five controls."""
    kinds = ("audit", "bias", "evaluation", "model_card")
    again = [carried(every_content(NOW)[kind], issued_at=NOW - timedelta(days=2)) for kind in kinds]
    document = input_document(request([*everything_of_all_profiles(), *again], profiles=PROFILES))
    assert sum(map(len, document["evidence"].values())) == 40
    return document


@pytest.mark.opa
def test_all_controls_three_profiles_and_forty_pieces_of_evidence(tmp_path: Path) -> None:
    policies, compiled = snapshot(tmp_path)
    embedded = EmbeddedEngine.open(compiled)
    document = forty_pieces()
    answer = embedded.evaluate(document).document
    ours = median_ms(lambda: embedded.evaluate(document))
    opa = opa_bench_ms(policies, document)
    wasm = (compiled / "policy.wasm").stat().st_size
    print(
        f"\n{len(answer['findings'])} controls, {len(PROFILES)} profiles, 40 pieces: embedded {ours:.2f} ms, opa bench "
        f"{opa:.2f} ms, OPA's evaluation / embedded: {opa / ours:.1f}; compiled policy {wasm / 1e6:.2f} MB"
    )


@pytest.mark.opa
@pytest.mark.server
def test_embedded_against_opa(tmp_path: Path) -> None:
    policies, compiled = snapshot(tmp_path)
    start = time.perf_counter()
    embedded = EmbeddedEngine.open(compiled)
    print(f"\nfirst start (machine code compiled or found): {(time.perf_counter() - start) * 1e3:.1f} ms")
    start = time.perf_counter()
    EmbeddedEngine.open(compiled)
    print(f"second start (machine code kept): {(time.perf_counter() - start) * 1e3:.1f} ms")
    profiles = sorted(embedded.catalog.profiles)
    nothing, everything = list(samples(profiles))[:2]
    with opa_server(compiled / "bundle.tar.gz") as url:
        server = OpaServerEngine(
            url, policy_digest=embedded.policy_digest, catalog=embedded.catalog, timeout_seconds=10.0
        )
        for name, document in (("nothing known", nothing), ("everything known", everything)):
            answer = embedded.evaluate(document).document
            assert answer == server.evaluate(document).document
            ours = median_ms(lambda document=document: embedded.evaluate(document))
            opa = opa_bench_ms(policies, document)
            asked = median_ms(lambda document=document: server.evaluate(document))

            def check(document: JsonObject = document, answer: JsonObject = answer) -> None:
                check_input(document)
                check_document(answer, document, embedded.catalog)

            print(
                f"{name}: {len(answer['findings'])} controls, input {len(json.dumps(document))} bytes: embedded "
                f"{ours:.3f} ms, opa bench {opa:.3f} ms, server {asked:.3f} ms, checks {median_ms(check):.3f} ms; "
                f"OPA's evaluation / embedded: {opa / ours:.1f}, server / embedded: {asked / ours:.1f}"
            )
