// The part of a tensor that a matrix of windows reads, copied once with its padding, and where each window and tap lies in it.
#pragma once

#include <optional>
#include <vector>

#include "window.h"

namespace touchstone {

class Box {
public:
    // How a matrix of windows is multiplied without being made.
    enum class Use {
        shifted,    // neighbouring rows are neighbours in the box
        scattered,  // rows and terms lie anywhere
    };

    // For the rows × terms of a window, of which `terms_together` neighbouring terms are multiplied at a time. Nothing when the box would
    // hardly be smaller than the matrix, or lanes of neighbouring rows would mostly be empty.
    static std::optional<Box> of(const Window& window, int64_t terms_together);

    Use use() const { return use_; }
    int64_t words() const { return words_; }

    // shifted: rows lie in `lines` lines of `line` rows, `line_step` words apart.
    int64_t lines() const { return lines_; }
    int64_t line() const { return line_; }
    int64_t line_step() const { return line_step_; }

    const std::vector<int32_t>& rows() const { return row_offsets_; }

    // Copies what terms begin … begin+count−1 of matrix `batch` read, and says where each of these terms lies.
    void fill(const Word* source, int64_t batch, int64_t begin, int64_t count, Word* to, int32_t* shifts) const;

private:
    Window window_;
    Use use_ = Use::scattered;
    Dims low_{}, dims_{}, strides_{};  // the box in the source, for the first terms that are multiplied together
    int64_t words_ = 0, lines_ = 1, line_ = 1, line_step_ = 0;
    std::vector<int32_t> row_offsets_;
};

}  // namespace touchstone
