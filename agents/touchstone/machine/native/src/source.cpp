// Tensors made from nothing: specification, section 3.6.
#include "execute.h"

namespace touchstone {
namespace {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11).
void philox(Word counter[4], Word key0, Word key1) {
    for (int round = 0; round < 10; round++) {
        const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
        const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
        const Word next[4] = {static_cast<Word>(product1 >> 32) ^ counter[1] ^ key0, static_cast<Word>(product1),
                              static_cast<Word>(product0 >> 32) ^ counter[3] ^ key1, static_cast<Word>(product0)};
        for (int i = 0; i < 4; i++) counter[i] = next[i];
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
}

void philox_elements(const Node& node, Word step, int64_t begin, int64_t end, Word* out) {
    for (int64_t group = begin / 4; group * 4 < end; group++) {
        Word words[4] = {static_cast<Word>(group), node.attributes[2], step, 0};
        philox(words, node.attributes[0], node.attributes[1]);
        for (int i = 0; i < 4; i++) {
            const int64_t e = group * 4 + i;
            if (e >= begin && e < end) out[e] = words[i];
        }
    }
}

}  // namespace

void source_elements(const Node& node, Word step, int64_t begin, int64_t end, Word* out) {
    if (node.function == kSourcePhilox) return philox_elements(node, step, begin, end, out);
    for (int64_t e = begin; e < end; e++) out[e] = node.function == kSourceIota ? static_cast<Word>(e) : node.attributes[0];
}

}  // namespace touchstone
