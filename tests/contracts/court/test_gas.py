"""Gas of whole disputes."""

import random

from tests.contracts.court.chain import ChainCourt
from tests.contracts.court.design_point import DesignPoint


def test_x(court: ChainCourt) -> None:
    board, gas = DesignPoint(court, random.Random(1)).play()
    for line in gas:
        print(line)
    print(len(gas), sum(g for _, g in gas), board.verdict)
