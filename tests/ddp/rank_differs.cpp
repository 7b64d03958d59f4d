// Ranks that call different things, or one thing with different arguments: each is told, at once, and nothing
// is lost.
#include <cstring>
#include <string>
#include <vector>

#include "rank.h"

namespace {

const Mode mode = mode_of_program();

// The arguments of a rank, which all ranks have the same but for what a case changes on rank 1.
struct Arguments {
  bv_dtype dtype = BV_F32;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  std::string operation = "window";
  int64_t picture_edge = 4, first_count = 2;
  int repeats = 1;
  bool in_graph = false;
};

struct Case {
  const char *name;
  void (*prepare)(Arguments &all);    // on all ranks
  void (*differ)(Arguments &of_rank); // on rank 1
};

const uint8_t *colours() {
  static const std::vector<uint8_t> map(256 * 3, 7);
  return map.data();
}

void draw(Arguments &a) { a.operation = "display"; }
void fix(Arguments &a) { a.options.window = BV_WINDOW_FIXED; }
void gather(Arguments &a) { a.operation = "gather"; }
void same(Arguments &) {}

const Case cases[] = {
    {"dtype", same, [](Arguments &a) { a.dtype = BV_U8; }},
    {"wide", same, [](Arguments &a) { a.dtype = BV_F64; }},
    {"minmax", same, [](Arguments &a) { a.options.window = BV_WINDOW_MINMAX; }},
    {"low", same, [](Arguments &a) { a.options.low = 10; }},
    {"high", draw, [](Arguments &a) { a.options.high = 90; }},
    {"foreground", same, [](Arguments &a) { a.options.foreground = BV_FOREGROUND_ALL; }},
    {"lo", fix, [](Arguments &a) { a.options.lo = -1; }},
    {"hi", fix, [](Arguments &a) { a.options.hi = 2; }},
    {"rounding", draw, [](Arguments &a) { a.options.rounding = BV_ROUNDING_NEAREST; }},
    {"epsilon", draw, [](Arguments &a) { a.options.epsilon = 1; }},
    {"floor", draw, [](Arguments &a) { a.options.floor = 0.5; }},
    {"colours", [](Arguments &a) { a.operation = "colours"; },
     [](Arguments &a) { a.options.colour_map = colours(); }},
    {"operation", same, [](Arguments &a) { a.operation = "display"; }},
    {"barrier", same, [](Arguments &a) { a.operation = "barrier"; }},
    {"exchange", gather, [](Arguments &a) { a.operation = "counts"; }},
    {"shape", gather, [](Arguments &a) { a.picture_edge = 5; }},
    {"counts", gather, [](Arguments &a) { ++a.first_count; }},
    {"wrong", same, [](Arguments &a) { a.options.low = 101; }},
    {"null", draw, [](Arguments &a) { a.operation = "display nothing"; }},
    {"negative", [](Arguments &a) { a.operation = "counts"; }, [](Arguments &a) { a.first_count = -1; }},
    {"untyped", gather, [](Arguments &a) { a.operation = "gather floats"; }},
    {"late", [](Arguments &a) { a.repeats = 40; }, [](Arguments &a) { a.options.low = 10; }},
    {"graph", [](Arguments &a) { a.in_graph = true; }, [](Arguments &a) { a.options.low = 10; }},
    // What is nobody's business but the rank's.
    {"unused", same, [](Arguments &a) { a.options.lo = 7, a.options.rounding = BV_ROUNDING_NEAREST; }},
    {"zero", [](Arguments &a) { a.options.low = 0; }, [](Arguments &a) { a.options.low = -0.0; }},
    {"all_wrong", [](Arguments &a) { a.options.low = 101; }, [](Arguments &a) { a.options.low = 102; }},
};

// The outputs are poisoned, and read by whoever wants to know if they were written.
struct Outputs {
  Memory windows{mode, std::vector<uint8_t>(16, 0xb7)}, out{mode, std::vector<uint8_t>(64 * 3, 0xb7)},
      all{mode, std::vector<uint8_t>(4096, 0xb7)};

  bool untouched() {
    for (Memory *memory : {&windows, &out, &all})
      for (uint8_t byte : memory->read())
        if (byte != 0xb7)
          return false;
    return true;
  }
};

bv_status call(bv_ddp_group *group, const bv_ddp_info &info, const Arguments &a, Memory &batch_memory,
               Memory &pictures_memory, Outputs &outputs, bv_stream stream) {
  const int64_t shape[4] = {1, 1, 8, 8}, colour_shape[5] = {1, 1, 8, 8, 3}, windows_shape[2] = {1, 2};
  const bv_tensor batch = bv_contiguous_tensor(batch_memory.data(), a.dtype, info.device, 4, shape);
  const bv_tensor windows = bv_contiguous_tensor(outputs.windows.data(), BV_F64, info.device, 2, windows_shape);
  const bool in_colour = a.operation == "colours";
  const bv_tensor out = bv_contiguous_tensor(outputs.out.data(), BV_U8, info.device, in_colour ? 5 : 4,
                                             in_colour ? colour_shape : shape);
  // Rank 0 may have been told another number of its own pictures.
  std::vector<int64_t> counts(static_cast<size_t>(info.world_size), 2);
  counts.back() = a.first_count;
  const int64_t mine = counts[static_cast<size_t>(info.rank)];
  int64_t total = 0;
  for (int64_t count : counts)
    total += count;
  const int64_t edge = a.picture_edge, pictures_shape[3] = {mine, edge, edge},
                all_shape[3] = {total, edge, edge};
  const bv_dtype picture_type = a.operation == "gather floats" ? BV_F32 : BV_U8;
  const bv_tensor pictures =
      bv_contiguous_tensor(pictures_memory.data(), picture_type, info.device, 3, pictures_shape);
  const bv_tensor all = bv_contiguous_tensor(outputs.all.data(), BV_U8, info.device, 3, all_shape);

  bv_status status = BV_OK;
  for (int i = 0; i < a.repeats && status == BV_OK; ++i) {
    bv_display_options options = a.options;
    if (i + 3 < a.repeats) // in flight, and the same everywhere
      options.low = 2;
    if (a.operation == "window")
      status = bv_ddp_measure_window(group, &batch, &options, &windows, stream);
    else if (a.operation == "display nothing")
      status = bv_ddp_normalize_batch_for_display(group, nullptr, &out, &options, stream);
    else if (a.operation == "display" || in_colour)
      status = bv_ddp_normalize_batch_for_display(group, &batch, &out, &options, stream);
    else if (a.operation == "barrier")
      status = bv_ddp_barrier(group, stream);
    else if (a.operation == "counts")
      status = bv_ddp_exchange_counts(group, a.first_count, counts.data());
    else
      status = bv_ddp_gather_pictures(group, &pictures, counts.data(), info.rank == 0 ? &all : nullptr, stream);
  }
  return status;
}

// Says what comes of a case: its name with the status, whether outputs were written, and of a barrier after it,
// and of the end if the group is at its end.
bool run(bv_ddp_group *group, const Case &c) {
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);
  Arguments arguments;
  c.prepare(arguments);
  if (info.rank == 1)
    c.differ(arguments);
  Memory batch(mode, std::vector<uint8_t>(64 * 8, 1)), pictures(mode, std::vector<uint8_t>(1024, 1));
  Outputs outputs;
  void *graph = nullptr;
  const bv_status status = say_result(c.name, [&] {
    const device::Calls calls = [&](bv_stream stream) {
      return call(group, info, arguments, batch, pictures, outputs, stream);
    };
    bv_status result = BV_OK;
    if (arguments.in_graph) {
      graph = device::record(info.stream, calls, &result);
      if (graph)
        device::replay(graph, info.stream);
    } else {
      result = calls(info.stream);
    }
    return result == BV_OK ? bv_ddp_wait(group, info.stream) : result;
  });
  const bv_status again = say_result("again", [&] { return bv_ddp_barrier(group, info.stream); });
  const std::string name = c.name;
  say((name + "-again").c_str(), again, 0, again == BV_OK ? "" : bv_last_error());
  if (again == BV_OK) {
    if (status != BV_OK)
      say((name + "-written").c_str(), !outputs.untouched(), 0, "");
    return true;
  }
  bv_ddp_finish(group);
  return false;
}

} // namespace

int disagree(double timeout) {
  bv_ddp_group *group = nullptr;
  for (const Case &c : cases) {
    if (std::string(c.name) == "graph" && !device::in_this_program)
      continue;
    if (!group && say_result("setup", [&] { return set_up(timeout, &group); }) != BV_OK)
      return 1;
    if (!run(group, c))
      group = nullptr;
  }
  // One that ends its group while the others go on.
  if (!group && set_up(timeout, &group) != BV_OK)
    return 1;
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);
  if (info.rank == 1) {
    say_result("finish", [&] { return bv_ddp_finish(group); });
    return 0;
  }
  say_result("finish", [&] { return bv_ddp_barrier(group, info.stream); });
  say_result("again", [&] { return bv_ddp_barrier(group, info.stream); });
  bv_ddp_finish(group);
  return 0;
}
