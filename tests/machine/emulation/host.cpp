// Carries out calls of the runtime's C interface that arrive on standard input, and answers on standard output. The library is the one
// under test, compiled for another processor; the other side is library.py beside this file.
//
// A call, in words of 8 bytes but for the buffers: function, four integers, seconds as a double, number of input buffers, each with its
// length and bytes, number of output buffers, the length of each. The answer: for `trace`, a word 1, the node and its bytes, for every
// node; then a word 0, the result, and the output buffers.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

extern "C" {
const char* ts_error();
const char* ts_isa();
const char* ts_isa_level(int index);
void* ts_machine_create(const uint8_t* program, size_t length, const void* const* constants, int threads);
void ts_machine_destroy(void* machine);
void ts_machine_load(void* machine, const void* const* slots);
void ts_machine_state(void* machine, void* const* slots);
int ts_machine_slot_roots(void* machine, uint8_t* roots);
int64_t ts_machine_run(void* machine, int64_t steps, double seconds);
int64_t ts_machine_instructions(void* machine);
int64_t ts_machine_instruction_nodes(void* machine, int64_t index, int64_t* nodes, int64_t most);
int ts_machine_profile(void* machine, int64_t steps, double* seconds);
int ts_machine_trace(void* machine, void (*sink)(int64_t, const void*));
int64_t ts_machine_memory(void* machine);
int ts_machine_hash_blocks(void* machine, const uint8_t* data, int64_t bytes, int64_t block_bytes, uint8_t* hashes);
int ts_hash_leaves(const uint8_t* data, int64_t bytes, uint8_t* leaves, int threads);
int ts_hash_blocks(const uint8_t* data, int64_t bytes, int64_t block_bytes, uint8_t* hashes, int threads);
int ts_tensor_root(const uint8_t* data, int64_t bytes, uint8_t* root, int threads);
}

namespace {

// In the order of FUNCTIONS in library.py.
enum class Function : int64_t {
    error, isa, isa_level, create, destroy, load, state, slot_roots, run, instructions, instruction_nodes, profile, trace, memory,
    hash_leaves, hash_blocks, tensor_root, machine_hash_blocks
};

using Buffer = std::vector<uint8_t>;

void read(void* to, size_t bytes) {
    if (bytes > 0 && std::fread(to, 1, bytes, stdin) != bytes) std::exit(0);  // the other side has gone
}

void write(const void* from, size_t bytes) {
    if (bytes > 0 && std::fwrite(from, 1, bytes, stdout) != bytes) std::exit(1);
}

void write_word(int64_t word) { write(&word, sizeof word); }

int64_t read_word() {
    int64_t word;
    read(&word, sizeof word);
    return word;
}

struct Call {
    Function function;
    int64_t number[4];
    double seconds;
    std::vector<Buffer> inputs;
    std::vector<Buffer> outputs;

    static Call next() {
        Call call;
        call.function = static_cast<Function>(read_word());
        read(call.number, sizeof call.number);
        read(&call.seconds, sizeof call.seconds);
        call.inputs.resize(static_cast<size_t>(read_word()));
        for (Buffer& buffer : call.inputs) {
            buffer.resize(static_cast<size_t>(read_word()));
            read(buffer.data(), buffer.size());
        }
        call.outputs.resize(static_cast<size_t>(read_word()));
        for (Buffer& buffer : call.outputs) buffer.resize(static_cast<size_t>(read_word()));
        return call;
    }

    void* machine() const { return reinterpret_cast<void*>(number[0]); }
    int threads() const { return static_cast<int>(number[3]); }
    int64_t input_bytes() const { return static_cast<int64_t>(inputs[0].size()); }
};

const int64_t* node_bytes;  // of the program being traced

void show(int64_t node, const void* words) {
    write_word(1);
    write_word(node);
    write(words, static_cast<size_t>(node_bytes[node]));
}

int64_t text(Call& call, const char* words) {
    if (words == nullptr) return -1;
    std::strncpy(reinterpret_cast<char*>(call.outputs[0].data()), words, call.outputs[0].size() - 1);
    return 0;
}

template <class Pointer>
std::vector<Pointer> pointers(std::vector<Buffer>& buffers, size_t first) {
    std::vector<Pointer> all;
    for (size_t i = first; i < buffers.size(); i++) all.push_back(buffers[i].data());
    return all;
}

std::map<int64_t, std::vector<Buffer>> constants;  // machines read them where they are

int64_t create(Call& call) {
    const auto machine = reinterpret_cast<int64_t>(ts_machine_create(
        call.inputs[0].data(), call.inputs[0].size(), pointers<const void*>(call.inputs, 1).data(), call.threads()));
    if (machine != 0) constants[machine] = std::move(call.inputs);
    return machine;
}

int64_t carry_out(Call& call) {
    uint8_t* output = call.outputs.empty() ? nullptr : call.outputs[0].data();
    switch (call.function) {
        case Function::error: return text(call, ts_error());
        case Function::isa: return text(call, ts_isa());
        case Function::isa_level: return text(call, ts_isa_level(static_cast<int>(call.number[0])));
        case Function::create: return create(call);
        case Function::destroy: return ts_machine_destroy(call.machine()), constants.erase(call.number[0]), 0;
        case Function::load: return ts_machine_load(call.machine(), pointers<const void*>(call.inputs, 0).data()), 0;
        case Function::state: return ts_machine_state(call.machine(), pointers<void*>(call.outputs, 0).data()), 0;
        case Function::slot_roots: return ts_machine_slot_roots(call.machine(), output);
        case Function::run: return ts_machine_run(call.machine(), call.number[1], call.seconds);
        case Function::instructions: return ts_machine_instructions(call.machine());
        case Function::instruction_nodes:
            return ts_machine_instruction_nodes(call.machine(), call.number[1], reinterpret_cast<int64_t*>(output), call.number[2]);
        case Function::profile: return ts_machine_profile(call.machine(), call.number[1], reinterpret_cast<double*>(output));
        case Function::trace:
            node_bytes = reinterpret_cast<const int64_t*>(call.inputs[0].data());
            return ts_machine_trace(call.machine(), show);
        case Function::memory: return ts_machine_memory(call.machine());
        case Function::hash_leaves: return ts_hash_leaves(call.inputs[0].data(), call.input_bytes(), output, call.threads());
        case Function::hash_blocks:
            return ts_hash_blocks(call.inputs[0].data(), call.input_bytes(), call.number[1], output, call.threads());
        case Function::tensor_root: return ts_tensor_root(call.inputs[0].data(), call.input_bytes(), output, call.threads());
        case Function::machine_hash_blocks:
            return ts_machine_hash_blocks(call.machine(), call.inputs[0].data(), call.input_bytes(), call.number[1], output);
    }
    std::exit(1);
}

}  // namespace

int main() {
    while (true) {
        Call call = Call::next();
        const int64_t result = carry_out(call);
        write_word(0);
        write_word(result);
        for (const Buffer& buffer : call.outputs) write(buffer.data(), buffer.size());
        std::fflush(stdout);
    }
}
