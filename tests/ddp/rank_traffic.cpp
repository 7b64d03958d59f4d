// Windows over all ranks and gathers, for whoever counts the bytes: nothing else is copied than what is asked
// for.
#include <string>
#include <vector>

#include "array.h"
#include "rank.h"

int move_pictures(double timeout, const std::string &type, int64_t edge, int windows, int gathers) {
  const int64_t images = 2;
  bv_dtype dtype = BV_U8;
  for (bv_dtype known : all_types)
    if (type == bv_dtype_name(known))
      dtype = known;
  bv_ddp_group *group;
  if (say_result("setup", [&] { return set_up(timeout, &group); }) != BV_OK)
    return 1;
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);

  const int64_t shape[4] = {images, 1, edge, edge}, all_shape[4] = {images * info.world_size, 1, edge, edge},
                window_shape[2] = {1, 2};
  const size_t pixels = static_cast<size_t>(images * edge * edge);
  const Mode mode = mode_of_program();
  Memory batch_memory(mode, std::vector<uint8_t>(pixels * bv_dtype_size(dtype), 1));
  Memory window_memory(mode, std::vector<uint8_t>(2 * sizeof(double)));
  Memory pictures_memory(mode, std::vector<uint8_t>(pixels, 1));
  Memory all_memory(mode, std::vector<uint8_t>(pixels * static_cast<size_t>(info.world_size)));
  const bv_tensor batch = bv_contiguous_tensor(batch_memory.data(), dtype, info.device, 4, shape);
  const bv_tensor window = bv_contiguous_tensor(window_memory.data(), BV_F64, info.device, 2, window_shape);
  const bv_tensor pictures = bv_contiguous_tensor(pictures_memory.data(), BV_U8, info.device, 4, shape);
  const bv_tensor all = bv_contiguous_tensor(all_memory.data(), BV_U8, info.device, 4, all_shape);
  const std::vector<int64_t> counts(static_cast<size_t>(info.world_size), images);

  say_result("traffic", [&] {
    bv_status status = BV_OK;
    for (int i = 0; i < windows && status == BV_OK; ++i)
      status = bv_ddp_measure_window(group, &batch, nullptr, &window, info.stream);
    for (int i = 0; i < gathers && status == BV_OK; ++i)
      status =
          bv_ddp_gather_pictures(group, &pictures, counts.data(), info.rank == 0 ? &all : nullptr, info.stream);
    return status == BV_OK ? bv_ddp_wait(group, info.stream) : status;
  });
  return say_result("finish", [&] { return bv_ddp_finish(group); });
}
