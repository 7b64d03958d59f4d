// Windows over all ranks and gathered pictures: what comes out is what one rank with all the pixels gets.
#include <cstring>
#include <string>

#include "array.h"
#include "data.h"
#include "leaks.h"
#include "oracle.h"
#include "rank.h"

namespace {

const Mode mode = mode_of_program();

// The part [begin, end) of a tensor along an axis.
bv_tensor part_of(bv_tensor tensor, int axis, int64_t begin, int64_t end) {
  tensor.data = static_cast<char *>(tensor.data) +
                begin * tensor.stride[axis] * static_cast<int64_t>(bv_dtype_size(tensor.dtype));
  tensor.shape[axis] = end - begin;
  return tensor;
}

std::vector<uint8_t> bytes_of(const std::vector<double> &numbers) {
  std::vector<uint8_t> bytes(numbers.size() * sizeof(double));
  memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

// The round's batch and options are the same on all ranks: they come from the common seed and the round.
class Round {
public:
  Round(bv_ddp_group *group, uint64_t number) : group_(group), random_(number) {
    bv_ddp_get_info(group, &info_);
    axis_ = static_cast<int>(random_.below(4));
    const Shape shape = {random_.between(1, 9), random_.between(1, 4), random_.between(1, 40),
                         random_.between(1, 40)};
    batch_ = Array(random_.pick(all_types), shape, random_.pick(input_layouts), random_);
    mask_ = Array(BV_U8, shape, random_.pick({Layout::Contiguous, Layout::Transposed}), random_);
    batch_.bytes = batch_.with_elements(
        make_pixels(batch_.dtype, product(shape), random_.pick(all_data), random_.pick(all_filled), random_));
    cuts_ = {0};
    for (int rank = 1; rank < info_.world_size; ++rank)
      cuts_.push_back(random_.one_in(3) ? cuts_.back()
                                        : random_.between(cuts_.back(), shape[static_cast<size_t>(axis_)]));
    cuts_.push_back(shape[static_cast<size_t>(axis_)]);
    if (random_.one_in(3) && batch_.stride[static_cast<size_t>(axis_)] != 0) // one rank has background alone
      blacken(static_cast<size_t>(random_.below(info_.world_size)));
    options_.foreground = random_.pick({BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL, BV_FOREGROUND_MASK});
    options_.window =
        random_.pick({BV_WINDOW_PERCENTILE, BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX, BV_WINDOW_FIXED});
    options_.low = random_.one_in(3) ? 0 : random_.uniform(0, 50);
    options_.high = random_.one_in(3) ? 100 : random_.uniform(options_.low, 100);
    options_.lo = -3;
    options_.hi = 40;
  }

  // Empty, or what is wrong.
  std::string run() {
    const size_t rank = static_cast<size_t>(info_.rank);
    Memory batch_memory(mode, batch_.bytes), mask_memory(mode, mask_.bytes);
    const bv_tensor batch =
        part_of(batch_.tensor(batch_memory.data(), info_.device), axis_, cuts_[rank], cuts_[rank + 1]);
    const bv_tensor mask =
        part_of(mask_.tensor(mask_memory.data(), info_.device), axis_, cuts_[rank], cuts_[rank + 1]);
    bv_display_options options = options_;
    options.mask = options.foreground == BV_FOREGROUND_MASK ? &mask : nullptr;

    const bv_tensor whole = batch_.tensor(), whole_mask = mask_.tensor();
    bv_display_options host = options_;
    host.scope = BV_SCOPE_BATCH;
    host.mask = options.mask ? &whole_mask : nullptr;
    const oracle::Window expected = oracle::measure(whole, host)[0];

    const bool counts_pixels = options_.window != BV_WINDOW_FIXED;
    const int64_t columns = counts_pixels ? 3 : 2, windows_shape[2] = {1, columns};
    Memory windows_memory(mode, std::vector<uint8_t>(static_cast<size_t>(columns) * sizeof(double), 0xb7));
    const bv_tensor windows =
        bv_contiguous_tensor(windows_memory.data(), BV_F64, info_.device, 2, windows_shape);
    const size_t pixels =
        static_cast<size_t>(batch.shape[0] * batch.shape[1] * batch.shape[2] * batch.shape[3]);
    Memory out_memory(mode, std::vector<uint8_t>(pixels, 0xb7));
    const bv_tensor out = bv_contiguous_tensor(out_memory.data(), BV_U8, info_.device, 4, batch.shape);

    std::vector<double> numbers = {expected.lo, expected.hi};
    if (counts_pixels)
      numbers.push_back(expected.count);
    const std::vector<uint8_t> pictures = oracle::apply(whole, {expected}, whole_out(), host);
    const auto compare = [&]() -> std::string {
      if (windows_memory.read() != bytes_of(numbers))
        return "the window differs from that of one rank";
      if (out_memory.read() != part_of_pictures(pictures))
        return "the pictures differ from those of one rank";
      if (!windows_memory.canaries_intact() || !out_memory.canaries_intact() ||
          batch_memory.read() != batch_.bytes)
        return "memory was written that is none of the outputs'";
      return "";
    };
    const device::Calls calls = [&](bv_stream stream) {
      bv_status status = bv_ddp_measure_window(group_, &batch, &options, &windows, stream);
      return status == BV_OK ? bv_ddp_normalize_batch_for_display(group_, &batch, &out, &options, stream)
                             : status;
    };

    bv_status status = calls(info_.stream);
    if (status == BV_OK)
      status = bv_ddp_wait(group_, info_.stream);
    if (status != BV_OK)
      return give_up();
    std::string wrong = compare();
    if (wrong.empty() && device::in_this_program) {
      if (!replay(calls, {&windows_memory, &out_memory}))
        return give_up();
      wrong = compare();
      if (!wrong.empty())
        wrong += ", in a graph";
    }
    return wrong.empty() ? gather(out, pictures) : wrong;
  }

private:
  // The same calls, captured in a graph. What they wrote while they were captured does not count.
  bool replay(const device::Calls &calls, const std::vector<Memory *> &outputs) {
    bv_status status;
    void *graph = device::record(info_.stream, calls, &status);
    if (!graph)
      return false;
    for (Memory *output : outputs)
      output->write(std::vector<uint8_t>(output->read().size(), 0xb7));
    device::replay(graph, info_.stream);
    status = bv_ddp_wait(group_, info_.stream);
    if (status == BV_OK)
      device::destroy_graph(graph);
    return status == BV_OK;
  }

  // The stream may wait for a lost rank for ever, and with it whoever frees device memory: not after an abort.
  std::string give_up() {
    const std::string why = bv_last_error();
    bv_ddp_abort(group_);
    return why;
  }

  void blacken(size_t rank) {
    std::vector<uint8_t> elements = batch_.elements();
    for_each_pixel([&](int64_t along, size_t pixel) {
      if (along >= cuts_[rank] && along < cuts_[rank + 1])
        memset(&elements[pixel * batch_.element_bytes()], 0, batch_.element_bytes());
    });
    batch_.bytes = batch_.with_elements(elements);
  }

  // Calls visit(index along the cut axis, number) for the pixels of the whole batch in C order.
  template <typename Visit> void for_each_pixel(const Visit &visit) const {
    int64_t inner = 1;
    for (size_t axis = static_cast<size_t>(axis_) + 1; axis < 4; ++axis)
      inner *= batch_.shape[axis];
    for (int64_t pixel = 0; pixel < product(batch_.shape); ++pixel)
      visit(pixel / inner % batch_.shape[static_cast<size_t>(axis_)], static_cast<size_t>(pixel));
  }

  bv_tensor whole_out() const { return bv_contiguous_tensor(nullptr, BV_U8, BV_CPU, 4, batch_.shape.data()); }

  std::vector<uint8_t> part_of_pictures(const std::vector<uint8_t> &pictures) const {
    const size_t rank = static_cast<size_t>(info_.rank);
    std::vector<uint8_t> part;
    for_each_pixel([&](int64_t along, size_t pixel) {
      if (along >= cuts_[rank] && along < cuts_[rank + 1])
        part.push_back(pictures[pixel]);
    });
    return part;
  }

  // Where the batch is cut between images, rank 0 gets all of it.
  std::string gather(const bv_tensor &out, const std::vector<uint8_t> &pictures) {
    if (axis_ != 0)
      return "";
    std::vector<int64_t> counts(static_cast<size_t>(info_.world_size), -1);
    if (bv_ddp_exchange_counts(group_, out.shape[0], counts.data()) != BV_OK)
      return give_up();
    for (size_t rank = 0; rank < counts.size(); ++rank)
      if (counts[rank] != cuts_[rank + 1] - cuts_[rank])
        return "wrong counts";
    Memory all_memory(mode, std::vector<uint8_t>(pictures.size(), 0xb7));
    const bv_tensor all = bv_contiguous_tensor(all_memory.data(), BV_U8, info_.device, 4, batch_.shape.data());
    const device::Calls calls = [&](bv_stream stream) {
      return bv_ddp_gather_pictures(group_, &out, counts.data(), info_.rank == 0 ? &all : nullptr, stream);
    };
    const auto compare = [&](const char *when) -> std::string {
      if (info_.rank == 0 && (all_memory.read() != pictures || !all_memory.canaries_intact()))
        return std::string("the gathered pictures are not those of the ranks") + when;
      return "";
    };
    bv_status status = calls(info_.stream);
    if (status == BV_OK)
      status = bv_ddp_barrier(group_, info_.stream);
    if (status != BV_OK)
      return give_up();
    const std::string wrong = compare("");
    if (!wrong.empty() || !device::in_this_program)
      return wrong;
    return replay(calls, {&all_memory}) ? compare(", in a graph") : give_up();
  }

  bv_ddp_group *group_;
  Random random_;
  bv_ddp_info info_;
  int axis_;
  Array batch_, mask_;
  std::vector<int64_t> cuts_; // rank r has [cuts_[r], cuts_[r + 1]) of the axis
  bv_display_options options_ = BV_DISPLAY_OPTIONS_INIT;
};

} // namespace

int draw_pictures(double timeout, uint64_t rounds) {
  bv_ddp_group *group;
  const double start = now();
  if (say_result("setup", [&] { return set_up(timeout, &group); }) != BV_OK)
    return 1;
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);
  say("who", info.device, 0, (std::to_string(info.rank) + " of " + std::to_string(info.world_size)).c_str());
  say("choice", info.device_choice, 0, "of the device");
  for (uint64_t round = 0; round < rounds; ++round) {
    const std::string wrong = Round(group, round).run();
    if (!wrong.empty()) {
      say("pictures", 1, now() - start, ("round " + std::to_string(round) + ": " + wrong).c_str());
      bv_ddp_finish(group);
      return 1;
    }
  }
  say("pictures", 0, now() - start, "");
  say("children", has_child(), 0, "");
  return say_result("finish", [&] { return bv_ddp_finish(group); });
}
