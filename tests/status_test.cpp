// Statuses, types and versions in words and numbers.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "batchview/batchview.h"

TEST(Status, EveryStatusHasItsOwnWords) {
  std::set<std::string> words;
  for (bv_status status = BV_OK; status <= BV_ERROR_CUDA; ++status)
    words.insert(bv_status_string(status));
  EXPECT_EQ(words.size(), 11u);
  EXPECT_EQ(words.count("unknown status"), 0u);
  EXPECT_STREQ(bv_status_string(-1), "unknown status");
  EXPECT_STREQ(bv_status_string(1 << 20), "unknown status");
}

TEST(Status, LastErrorIsEmptyBeforeAnyCallFailed) { EXPECT_STREQ(bv_last_error(), ""); }

TEST(Types, SizesAndNames) {
  const struct {
    bv_dtype dtype;
    size_t bytes;
    const char *name;
  } types[] = {{BV_F32, 4, "f32"}, {BV_F16, 2, "f16"}, {BV_BF16, 2, "bf16"}, {BV_F64, 8, "f64"},
               {BV_U8, 1, "u8"},   {BV_I8, 1, "i8"},   {BV_U16, 2, "u16"},   {BV_I16, 2, "i16"},
               {BV_I32, 4, "i32"}, {BV_U32, 4, "u32"}};
  for (const auto &type : types) {
    EXPECT_EQ(bv_dtype_size(type.dtype), type.bytes);
    EXPECT_STREQ(bv_dtype_name(type.dtype), type.name);
  }
  EXPECT_EQ(bv_dtype_size(-1), 0u);
  EXPECT_EQ(bv_dtype_size(10), 0u);
  EXPECT_STREQ(bv_dtype_name(10), "unknown type");
}

TEST(Devices, ThoseThatAreNoneAreNotPrepared) {
  EXPECT_EQ(bv_prepare_device(BV_CPU), BV_OK);
  EXPECT_EQ(bv_prepare_device(-2), BV_ERROR_DEVICE);
  EXPECT_STREQ(bv_last_error(), "device is -2; allowed are BV_CPU (-1) and CUDA device ordinals from 0");
  EXPECT_EQ(bv_prepare_device(1000), bv_built_with_cuda() ? BV_ERROR_DEVICE : BV_ERROR_NO_CUDA);
  EXPECT_NE(std::string(bv_last_error()).find("1000"), std::string::npos) << bv_last_error();
}

TEST(Version, IsTheHeaders) {
  EXPECT_EQ(bv_version(), BV_VERSION_MAJOR * 10000 + BV_VERSION_MINOR * 100 + BV_VERSION_PATCH);
}

TEST(Description, FitsWhatItIsGiven) {
  const size_t length = bv_describe(nullptr, 0);
  std::string whole(length + 1, '?');
  ASSERT_EQ(bv_describe(whole.data(), whole.size()), length);
  ASSERT_EQ(whole.find('\0'), length);
  whole.resize(length);
  EXPECT_EQ(whole.rfind("batchview " + std::to_string(BV_VERSION_MAJOR) + ".", 0), 0u) << whole;
  EXPECT_NE(whole.find(bv_built_with_cuda() ? "CUDA: built with" : "CUDA: not built in"), std::string::npos)
      << whole;
  EXPECT_EQ(whole.back(), '\n');
  for (size_t bytes = 1; bytes <= length; ++bytes) {
    std::vector<char> text(bytes + 1, '#'); // the last one is a canary
    EXPECT_EQ(bv_describe(text.data(), bytes), length);
    EXPECT_EQ(std::string(text.data(), bytes), whole.substr(0, bytes - 1) + '\0');
    EXPECT_EQ(text[bytes], '#');
  }
}
