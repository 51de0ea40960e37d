#include "program.h"

#include <stdexcept>
#include <string>

namespace touchstone {
namespace {

constexpr size_t kRecordBytes = 1024;
constexpr int kRecordWords = 256;
constexpr int64_t kMaxWords = 0x7fffffff;
constexpr int kMaxOperands = 15;
constexpr int64_t kMaxReduced = 8192;
constexpr int64_t kMaxScattered = 4096;

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

// Reads the big-endian words of one record in order.
class Record {
public:
    Record(const uint8_t* bytes, size_t index) : bytes_(bytes + index * kRecordBytes), name_("record " + std::to_string(index)) {}

    int64_t next() {
        if (at_ == kRecordWords) refuse(name_ + " ends inside its operands");
        const uint8_t* p = bytes_ + 4 * at_++;
        const uint32_t word = uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]};
        return static_cast<int32_t>(word);
    }

    void expect_tag(int64_t tag) {
        if (next() != tag) refuse(name_ + " does not have tag " + std::to_string(tag));
    }

    // dtype, rank and `words` dimensions, of which the first `rank` count; all of them when `words` is negative.
    Type type(int words) {
        Type type{};
        const int64_t dtype = next();
        if (dtype != 1 && dtype != 2) refuse(name_ + " has an unknown dtype");
        type.dtype = static_cast<DType>(dtype);
        const int64_t rank = next();
        if (rank < 0 || rank > kMaxRank) refuse(name_ + " has a rank outside 0..8");
        type.rank = static_cast<int>(rank);
        int64_t size = 1;
        const int count = words < 0 ? type.rank : words;
        for (int axis = 0; axis < count; axis++) {
            const int64_t dim = next();
            if (axis >= type.rank) continue;
            if (dim < 1 || size > kMaxWords / dim) refuse(name_ + " has a dimension or a size outside 1..2^31-1");
            type.dims[axis] = dim;
            size *= dim;
        }
        return type;
    }

    const std::string& name() const { return name_; }

private:
    const uint8_t* bytes_;
    std::string name_;
    int at_ = 0;
};

// The value a (kind, index) pair names, which must come before `limit`.
Value reference(Record& record, const Program& program, int limit) {
    const int64_t kind = record.next(), index = record.next();
    const int64_t bases[] = {0, program.first_constant(), program.first_node()};
    const int64_t ends[] = {program.first_constant(), program.first_node(), limit};
    if (kind < 0 || kind > 2 || index < 0 || bases[kind] + index >= ends[kind]) refuse(record.name() + " refers to a tensor that is not before it");
    return static_cast<Value>(bases[kind] + index);
}

void check_strided(const Record& record, const Type& out, const Operand& operand) {
    int64_t low = operand.offset, high = operand.offset;
    for (int axis = 0; axis < out.rank; axis++) {
        const int64_t span = operand.strides[axis] * (out.dims[axis] - 1);
        (span < 0 ? low : high) += span;
    }
    if (low < 0 || high >= operand.type.size()) refuse(record.name() + " reads outside an operand");
}

Operand read_operand(Record& record, const Program& program, const Node& node, int limit) {
    Operand operand{};
    operand.value = reference(record, program, limit);
    operand.type = record.type(-1);
    const Type& referred = program.type_of(operand.value);
    if (operand.type.dtype != referred.dtype || operand.type.size() != referred.size()) {
        refuse(record.name() + " reads an operand under another dtype or size than it has");
    }
    if (node.op == Op::map) {
        operand.offset = record.next();
        for (int axis = 0; axis < node.type.rank; axis++) operand.strides[axis] = record.next();
        check_strided(record, node.type, operand);
    }
    if (node.op == Op::move) {
        for (int axis = 0; axis < operand.type.rank; axis++) {
            Axis read{};
            read.offset = record.next();
            read.divisor = record.next();
            if (read.divisor < 1) refuse(record.name() + " divides by less than 1");
            for (int i = 0; i < node.type.rank; i++) read.coefficients[i] = record.next();
            operand.axes.push_back(read);
        }
    }
    return operand;
}

void require(const Record& record, bool condition, const char* what) {
    if (!condition) refuse(record.name() + ": " + what);
}

int64_t parts(int64_t n, int64_t part) { return part == 0 ? 1 : (n + part - 1) / part; }

void check_dot(const Record& record, const Node& node) {
    require(record, node.operands.size() == 2, "dot takes two operands");
    const Type &a = node.operands[0].type, &b = node.operands[1].type, &out = node.type;
    const int64_t split = node.attributes[0];
    require(record, a.dtype == DType::f32 && b.dtype == DType::f32 && out.dtype == DType::f32, "dot takes and gives f32");
    require(record, a.rank >= 2 && b.rank == a.rank && split <= kMaxReduced && out.rank == a.rank + (split != 0), "dot has wrong ranks");
    const int r = a.rank;
    const int64_t k = a.dims[r - 1];
    require(record, b.dims[r - 1] == k && (split != 0 || k <= kMaxReduced), "dot has different or too long innermost axes");
    require(record, out.dims[r - 2] == a.dims[r - 2] && out.dims[r - 1] == b.dims[r - 2], "dot has a wrong output shape");
    require(record, split == 0 || out.dims[r] == parts(k, split), "dot has a wrong number of partial results");
    for (int axis = 0; axis < r - 2; axis++) {
        require(record, a.dims[axis] == 1 || a.dims[axis] == out.dims[axis], "dot has a wrong batch axis");
        require(record, b.dims[axis] == 1 || b.dims[axis] == out.dims[axis], "dot has a wrong batch axis");
    }
}

void check_reduce(const Record& record, const Node& node) {
    require(record, node.operands.size() == 1 && node.function >= 1 && node.function <= 4, "reduce takes one operand and functions 1..4");
    const Type &x = node.operands[0].type, &out = node.type;
    require(record, x.rank >= 1, "reduce needs an axis");
    const int64_t n = x.dims[x.rank - 1], block = node.attributes[0];
    require(record, block <= kMaxReduced && (block != 0 || n <= kMaxReduced), "reduce has more than 8192 words per element");
    require(record, node.function != 4 || block == 0, "argmax takes no block");
    require(record, (node.function == 4 ? DType::i32 : x.dtype) == out.dtype, "reduce has a wrong output dtype");
    require(record, out.size() == x.size() / n * parts(n, block), "reduce has a wrong output shape");
}

void check_gather(const Record& record, const Node& node) {
    require(record, node.operands.size() == 2, "gather takes two operands");
    const Type &x = node.operands[0].type, &index = node.operands[1].type;
    require(record, x.rank == 2 && index.dtype == DType::i32 && node.type.dtype == x.dtype, "gather reads a matrix by i32");
    require(record, node.type.size() == index.size() * x.dims[1], "gather has a wrong output shape");
}

void check_scatter_add(const Record& record, const Node& node) {
    require(record, node.operands.size() == 3, "scatter_add takes three operands");
    const Type &base = node.operands[0].type, &index = node.operands[1].type, &sources = node.operands[2].type, &out = node.type;
    require(record, index.rank == 1 && index.dtype == DType::i32 && index.dims[0] <= kMaxScattered, "scatter_add has an index of at most 4096 i32");
    require(record, base.rank == 2 && sources.rank == 2 && out.rank == 2, "scatter_add adds to a matrix");
    require(record, base.dtype == out.dtype && sources.dtype == out.dtype, "scatter_add keeps the dtype");
    require(record, sources.dims[0] == base.dims[1] && sources.dims[1] == index.dims[0], "scatter_add has a source per column and index");
    require(record, out.dims == base.dims, "scatter_add has a wrong output shape");
}

void check_source(const Record& record, const Node& node) {
    require(record, node.function >= 1 && node.function <= 3, "source has functions 1..3");
    require(record, node.operands.size() == (node.function == kSourcePhilox ? 1u : 0u), "source has a wrong number of operands");
    require(record, node.function == kSourceConstant || node.type.dtype == DType::i32, "iota and philox give i32");
}

// Number of operands of each map function; 0 where there is none. Their dtypes do not matter for safety: all elements are words.
int arity(int function) {
    if (function == 5 || function == 48) return 3;
    const bool one = (function >= 6 && function <= 8) || (function >= 24 && function <= 29) || function == 49 || function == 50;
    const bool two = (function >= 1 && function <= 4) || (function >= 9 && function <= 10) || (function >= 16 && function <= 18) ||
                     (function >= 32 && function <= 44);
    return one ? 1 : two ? 2 : 0;
}

void check_node(const Record& record, const Node& node) {
    switch (node.op) {
        case Op::map:
            require(record, arity(node.function) > 0, "map has an unknown function");
            require(record, static_cast<int>(node.operands.size()) == arity(node.function), "map has a wrong number of operands");
            return;
        case Op::dot: return check_dot(record, node);
        case Op::reduce: return check_reduce(record, node);
        case Op::move:
            require(record, !node.operands.empty(), "move needs a source");
            for (const Operand& source : node.operands) require(record, source.type.dtype == node.type.dtype, "move keeps the dtype");
            return;
        case Op::gather: return check_gather(record, node);
        case Op::scatter_add: return check_scatter_add(record, node);
        case Op::source: return check_source(record, node);
    }
    refuse(record.name() + " has an unknown operator");
}

Node read_node(Record& record, const Program& program, int limit) {
    Node node{};
    record.expect_tag(4);
    node.op = static_cast<Op>(record.next());
    node.function = static_cast<int>(record.next());
    node.type = record.type(kMaxRank);
    const int64_t operands = record.next();
    if (operands < 0 || operands > kMaxOperands) refuse(record.name() + " has a number of operands outside 0..15");
    for (uint32_t& attribute : node.attributes) attribute = static_cast<uint32_t>(record.next());
    for (int64_t i = 0; i < operands; i++) node.operands.push_back(read_operand(record, program, node, limit));
    check_node(record, node);
    return node;
}

Slot read_slot(Record& record) {
    record.expect_tag(2);
    return Slot{record.type(kMaxRank), 0};
}

// `next` may name a node, so it is read when all nodes are known.
void read_next(const uint8_t* bytes, Program& program) {
    for (size_t j = 0; j < program.slots.size(); j++) {
        Record record(bytes, 1 + j);
        record.expect_tag(2);
        record.type(kMaxRank);
        Slot& slot = program.slots[j];
        slot.next = reference(record, program, program.value_count());
        const Type& next = program.type_of(slot.next);
        if (next.dtype != slot.type.dtype || next.size() != slot.type.size()) refuse(record.name() + " takes its next value from another type");
    }
}

}  // namespace

int64_t Type::size() const {
    int64_t size = 1;
    for (int axis = 0; axis < rank; axis++) size *= dims[axis];
    return size;
}

const Type& Program::type_of(Value value) const {
    if (is_slot(value)) return slots[value].type;
    if (is_node(value)) return node(value).type;
    return constants[value - first_constant()];
}

Program read_program(const uint8_t* bytes, size_t length) {
    if (length == 0 || length % kRecordBytes != 0) refuse("the program is not a whole number of records");
    Record header(bytes, 0);
    header.expect_tag(1);
    if (header.next() != 2) refuse("the program is not of version 2");
    const int64_t slots = header.next(), constants = header.next(), nodes = header.next();
    const auto records = static_cast<int64_t>(length / kRecordBytes);
    if (slots < 1 || constants < 0 || nodes < 1 || records != 1 + slots + constants + nodes) refuse("the header does not match the number of records");
    Program program;
    size_t at = 1;
    for (int64_t i = 0; i < slots; i++) {
        Record record(bytes, at++);
        program.slots.push_back(read_slot(record));
    }
    for (int64_t i = 0; i < constants; i++) {
        Record record(bytes, at++);
        record.expect_tag(3);
        program.constants.push_back(record.type(kMaxRank));
    }
    program.nodes.reserve(nodes);
    for (int64_t i = 0; i < nodes; i++) {
        Record record(bytes, at++);
        program.nodes.push_back(read_node(record, program, program.value_count()));
    }
    read_next(bytes, program);
    return program;
}

}  // namespace touchstone
