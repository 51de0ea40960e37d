"""A job that starts from another job's result: the perceptron on digits learns on, at a lower rate, from exactly the state on chain.

python scripts/examples/digits_continued.py devnet     # the directory of `touchstone devnet`; a solver and a verifier run
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from digits_mlp import TRAIN_SAMPLES, build_model, build_workload, digits
from torch import nn

from touchstone import Market, capture
from touchstone.machine.outcome import Outcome
from touchstone.machine.workload import Workload

TOKEN = 10**18


def go_on(before: Outcome, steps: int) -> Workload:
    images, labels = digits()
    model = build_model()  # says what the model is; its weights come from the result
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    data = images[:TRAIN_SAMPLES], labels[:TRAIN_SAMPLES]
    return capture(model, nn.CrossEntropyLoss(), optimizer, *data, batch_size=32, steps=steps, seed=1, continues=before)


def run(market: Market, steps: int = 200) -> list[int]:
    """Both jobs, one after the other; the market's store is being served meanwhile."""
    jobs: list[int] = []
    workload = build_workload(steps)
    while True:
        jobs.append(market.submit(workload, budget=10 * TOKEN, interval_steps=max(2, steps // 10)))
        if market.wait(jobs[-1]).status != "settled" or len(jobs) == 2:
            return jobs
        workload = go_on(market.download(jobs[-1]), steps)


if __name__ == "__main__":
    chain = Path(sys.argv[1])
    with (
        Market.connect(chain / "devnet.json", "dev3", "devnet", keystore=chain / "keystore", data="data/submitter") as market,
        market.serve(),
    ):
        _, second = run(market)
        print(market.download(second).summary())
