"""What to use instead of operators that are often wanted and not supported yet: prefix of the ATen name → advice."""

from __future__ import annotations

REPLACEMENTS = {
    "aten.mkldnn": "call the plain module, without mkldnn",
    "aten._embedding_bag": "use nn.Embedding and a sum or mean over the sequence",
    "aten._scaled_dot_product": "use matmul, softmax and a mask",
    "aten.randperm": "shuffle with capture's own order instead",
    "aten.multinomial": "sample with capture's own order instead",
}
SEE = "see docs/operators.md for those that are"
"""The advice where none of these fits."""
