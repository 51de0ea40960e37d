"""RandaoBeacon: the randomness of a block proved from its header."""

from __future__ import annotations

from ape import chain, reverts
from eth_utils import keccak

from .world import World, header_of


def test_the_randomness_is_the_prevrandao_of_the_block(world: World) -> None:
    number = chain.blocks.head.number
    chain.mine()
    mix = chain.provider.make_request("eth_getBlockByNumber", [hex(number), False])["mixHash"]
    world.beacon.record(number, header_of(number), sender=world.stranger)
    assert world.beacon.randomness(number).hex() == mix.removeprefix("0x")
    assert not world.beacon.lapsed(number)


def test_recording_twice_changes_nothing(world: World) -> None:
    number = chain.blocks.head.number
    chain.mine()
    world.beacon.record(number, header_of(number), sender=world.stranger)
    before = world.beacon.randomness(number)
    receipt = world.beacon.record(number, b"anything", sender=world.stranger)
    assert world.beacon.randomness(number) == before
    assert not receipt.decode_logs(world.beacon.Recorded)


def test_a_block_beyond_the_reach_of_blockhash_can_be_recorded(world: World) -> None:
    number = chain.blocks.head.number
    chain.mine(300)
    world.beacon.record(number, header_of(number), sender=world.stranger)
    assert world.beacon.randomness(number) != bytes(32)


def test_the_header_of_another_block_is_refused(world: World) -> None:
    number = chain.blocks.head.number
    chain.mine(2)
    other = header_of(number + 1)
    known = chain.blocks[number].hash
    with reverts(world.beacon.UnknownBlock, error_inputs={"blockNumber": number, "headerHash": keccak(other), "knownHash": known}):
        world.beacon.record(number, other, sender=world.stranger)


def test_a_header_with_a_changed_byte_is_refused(world: World) -> None:
    number = chain.blocks.head.number
    chain.mine()
    header = bytearray(header_of(number))
    header[-40] ^= 1
    with reverts(world.beacon.UnknownBlock):
        world.beacon.record(number, bytes(header), sender=world.stranger)


def test_a_block_that_is_not_there_yet_is_refused(world: World) -> None:
    number = chain.blocks.head.number
    with reverts(world.beacon.UnknownBlock):
        world.beacon.record(number + 100, header_of(number), sender=world.stranger)
    assert not world.beacon.lapsed(number + 100)
