"""Every file of ``scripts/examples`` is a job that the market does, at a small size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from scripts.run_examples import EXAMPLES, NAMES, market_of_examples, run_examples
from touchstone import Market

INTERVAL_STEPS = 4
SMALL = {  # the others in eight steps
    "char_gpt": {"steps": 8, "batch_size": 4, "length": 8, "width": 16, "layers": 1},
    "digits_evaluation": {},
    "digits_inference": {"batch_size": 300},
    "digits_lstm": {"steps": 8, "hidden": 4},
    "digits_unet": {"steps": 8, "width": 2},
    "digits_vae": {"steps": 8, "hidden": 8},
    "fashion_lenet": {"steps": 8, "samples": 64},
    "fashion_resnet": {"steps": 8, "samples": 64, "batch_size": 8, "width": 2, "blocks": 1},
    "lora_minilm": {"steps": 8, "batch_size": 4, "length": 8, "layers": 1},
    "k_fold": {"count": 2, "epochs": 0.3},
    "sweep": {"steps": 8, "rates": [0.01], "widths": [8, 16]},
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch, market_of_examples(tmp_path_factory.mktemp("examples")) as running:
        patch.syspath_prepend(str(EXAMPLES))
        yield running
    torch.set_num_threads(threads)


def test_every_example_is_done_by_the_market_and_its_result_is_right_bit_for_bit(market: Market) -> None:
    jobs = run_examples(market, {name: SMALL.get(name, {"steps": 8}) for name in NAMES}, INTERVAL_STEPS)
    assert all(isinstance(job, int) for job in jobs.values()), jobs
    assert {label: market.status(int(job)).status for label, job in jobs.items()} == dict.fromkeys(jobs, "settled")
    results = {label: market.rerun(int(job)) for label, job in jobs.items()}  # raises when a single bit is wrong
    assert {label.split(":")[0] for label in jobs} == set(NAMES)
    for label, result in results.items():
        assert all(np.isfinite(array).all() for array in result.state), label
    first, second = (results[f"digits_continued: {number}"] for number in range(2))
    assert second.workload.first_step == first.step == 8 and second.step == 16
