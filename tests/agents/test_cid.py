"""Content identifiers against a real IPFS implementation.

The expected identifiers were computed by npm's ipfs-unixfs-importer 14 with cidVersion 1, rawLeaves, maxChunkSize 262144,
reduceSingleLeafToSelf, of the bytes of `counted_bytes`.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.store.cid import LEAF_BYTES, MAX_LINKS, CidBuilder, cid_of, parse_cid
from touchstone.store.errors import InvalidCidError

KUBO = {
    0: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    1: "bafkreic2nz5eovfprz7up7eusmca3bj6pma6hhktpsy52nj4so324whlhu",
    LEAF_BYTES: "bafkreiaqvmtqltef4yrmjn237esoqzwbgfwbjrrrbpsr3qctlxgvlm62me",
    LEAF_BYTES + 1: "bafybeicml3tuikq2go6eoyfpwdbykmev4a5nfam3hmkvce4xs6ilkyvkxi",
    600_000: "bafybeibmlmz4agmfunbmmvgiqdoqrpf52w6diuyvejlta6ukng74bbc2sy",
    LEAF_BYTES * MAX_LINKS: "bafybeidf3mza7quxvcyimhuactgvoawsutzsfi24cflrh3gqgrqwiggprq",
    LEAF_BYTES * MAX_LINKS + 1: "bafybeief5hxfbzqgcdvao6zzuky7tlnenazc4hfbiuguyhmcel24r2r7q4",
}


def counted_bytes(length: int) -> bytes:
    """SHA-256 of 0, 1, 2, … as 8 little-endian bytes, one after another."""
    blocks = -(-length // 32)
    return b"".join(hashlib.sha256(i.to_bytes(8, "little")).digest() for i in range(blocks))[:length]


@pytest.mark.parametrize("length", KUBO)
def test_identifiers_are_those_of_an_ipfs_node(length: int) -> None:
    assert cid_of(counted_bytes(length)) == KUBO[length]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 300_000), max_size=6))
def test_the_identifier_does_not_depend_on_how_the_bytes_arrive(sizes: list[int]) -> None:
    data = counted_bytes(sum(sizes))
    builder = CidBuilder()
    position = 0
    for size in sizes:
        builder.update(data[position : position + size])
        position += size
    assert builder.finish() == cid_of(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../etc/passwd",
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
        KUBO[1][:-1],
        KUBO[1] + "a",
        KUBO[1].upper(),
        KUBO[1][:-1] + "v",  # sets bits that base32 ignores
        "b" + KUBO[1][1:].replace("k", "1"),
        "bagaaierasords4njcts6vs7qvdjfcvgnume4hqohf65zsfguprqphs3icwea",  # dag-json
    ],
)
def test_anything_but_a_canonical_identifier_is_refused(text: str) -> None:
    with pytest.raises(InvalidCidError, match="is not a content identifier"):
        parse_cid(text)
