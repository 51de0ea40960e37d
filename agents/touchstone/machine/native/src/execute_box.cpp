// Products with windows that are read in their box (box.h, windows.cpp).
#include <algorithm>
#include <cstring>

#include "execute.h"

namespace touchstone {
namespace {

constexpr int64_t kProductWords = 1 << 16;  // of a product that is made beside its place

// The working memory of one product, in the order of its use.
struct BoxScratch {
    int64_t box, shifts, product, packing;

    int64_t words() const { return box + shifts + product + packing; }
};

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Lines of the product that are made together: as many as fit beside it, one at least.
int64_t lines_together(int64_t words_of_line, int64_t lines) { return std::clamp<int64_t>(kProductWords / words_of_line, 1, lines); }

// A shifted product has `m` rows of whole lines; a scattered one has one row for each row of b.
int64_t product_words(const Dot& dot, const Kernels& kernels) {
    const int64_t tile = kernels.gemm_tile_columns;
    if (dot.box->use() == Box::Use::scattered) {
        const int64_t row = round_up(dot.m, tile);
        return row * lines_together(row, dot.n);
    }
    const int64_t line = dot.box->line_step();
    return dot.m * round_up(lines_together(dot.m * line, dot.box->lines()) * line, tile);
}

BoxScratch scratch_for(const Dot& dot, const GemmFactor& a, const Kernels& kernels) {
    const int64_t slack = 2 * kernels.gemm_tile_columns;  // the last tile reads beyond the last row
    const int64_t line = kernels.gemm_tile_columns;
    return {round_up(dot.box->words() + slack, line), round_up(std::min(dot.k, dot.split), line), round_up(product_words(dot, kernels), line),
            kernels.box_scratch(a, dot.m)};
}

}  // namespace

int64_t Executor::box_scratch_words(const Dot& dot) const { return scratch_for(dot, factor(dot.a, dot, 0, 0, 0), kernels_).words(); }

void Executor::run_box(const Dot& dot, int64_t problem, int64_t row, int64_t rows, int64_t column, int64_t columns, int thread) {
    const Box& box = *dot.box;
    const int64_t partials = (dot.k + dot.split - 1) / dot.split, partial = problem % partials, batch = problem / partials;
    const int64_t first_term = partial * dot.split, terms = std::min(dot.split, dot.k - first_term);
    const GemmFactor a = factor(dot.a, dot, batch, row, first_term);
    const GemmFactor b = factor(dot.b, dot, batch, 0, 0);
    const BoxScratch parts = scratch_for(dot, a, kernels_);
    Word* words = scratch_[thread].get(parts.words());
    auto* shifts = reinterpret_cast<int32_t*>(words + parts.box);
    auto* product = reinterpret_cast<float*>(words + parts.box + parts.shifts);
    float* packing = product + parts.product;
    const auto* windows = reinterpret_cast<const float*>(words);
    box.fill(b.fill.source, b.fill.batch, first_term, terms, words, shifts);
    float* out = reinterpret_cast<float*>(pointers_[dot.out]) + (batch * dot.m + row) * dot.n * partials + partial;

    if (box.use() == Box::Use::shifted) {
        const int64_t line = box.line(), step = box.line_step(), together = lines_together(dot.m * step, box.lines());
        for (int64_t at = 0; at < box.lines(); at += together) {
            const int64_t lines = std::min(together, box.lines() - at);
            const int64_t width = (lines - 1) * step + line, c_row = round_up(width, kernels_.gemm_tile_columns);
            kernels_.gemm_shifted({rows, width, terms, a, windows + at * step, shifts, product, c_row}, packing);
            for (int64_t i = 0; i < rows; i++) {
                for (int64_t l = 0; l < lines; l++) {
                    const float* from = product + i * c_row + l * step;
                    float* to = out + (i * dot.n + (at + l) * line) * partials;
                    for (int64_t x = 0; x < line; x++) to[x * partials] = from[x];
                }
            }
        }
        return;
    }
    const int64_t c_row = round_up(rows, kernels_.gemm_tile_columns), together = lines_together(round_up(dot.m, kernels_.gemm_tile_columns), dot.n);
    for (int64_t at = column; at < column + columns; at += together) {
        const int64_t count = std::min(together, column + columns - at);
        kernels_.gemm_scattered({rows, count, terms, a, windows, box.rows().data() + at, shifts, product, c_row}, packing);
        if (partials == 1) {
            kernels_.transpose(reinterpret_cast<const Word*>(product), c_row, count, rows, reinterpret_cast<Word*>(out + at), dot.n);
            continue;
        }
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < count; j++) out[(i * dot.n + at + j) * partials] = product[j * c_row + i];
        }
    }
}

}  // namespace touchstone
