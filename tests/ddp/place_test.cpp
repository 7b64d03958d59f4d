// Hosts and GPUs: which ranks are on one GPU, by what NCCL tells hosts apart by, by UUIDs and by names.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
#include "device.h"
#include "place.h"
}

namespace {

unsigned char uuid_byte; // of every device

class Place : public ::testing::Test {
protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    unsetenv("NCCL_HOSTID");
    unsetenv("CUDA_VISIBLE_DEVICES");
    uuid_byte = 7;
  }

  // That of a rank which sees these devices, or all of them for nullptr.
  static ddp_place Of(const char *visible, int device) {
    ddp_place place;
    memset(&place, 0xee, sizeof place);
    if (visible)
      setenv("CUDA_VISIBLE_DEVICES", visible, 1);
    else
      unsetenv("CUDA_VISIBLE_DEVICES");
    EXPECT_EQ(ddp_find_place(device, &place), BV_OK) << bv_last_error();
    return place;
  }

  static bool IsSame(const ddp_place &a, const ddp_place &b) { return ddp_is_same_gpu(&a, &b); }
};

TEST_F(Place, IsTheSameForTheSameDevice) {
  EXPECT_TRUE(IsSame(Of(nullptr, 0), Of(nullptr, 0)));
  EXPECT_TRUE(IsSame(Of(nullptr, 2), Of("2", 0)));
  EXPECT_TRUE(IsSame(Of("0,1", 1), Of(" 1, 0", 0)));
  EXPECT_TRUE(IsSame(Of("GPU-1,GPU-2", 1), Of("GPU-2", 0)));
}

TEST_F(Place, DiffersByUuid) {
  const ddp_place first = Of("0", 0); // containers may show each its own as 0
  uuid_byte = 8;
  EXPECT_FALSE(IsSame(first, Of("0", 0)));
}

TEST_F(Place, DiffersByNameWhereTheUuidIsTheSame) {
  EXPECT_FALSE(IsSame(Of("MIG-1", 0), Of("MIG-2", 0)));
  EXPECT_FALSE(IsSame(Of("0,1", 0), Of("2,3", 0)));
  EXPECT_FALSE(IsSame(Of("0,1", 0), Of("0,1", 1)));
}

TEST_F(Place, DiffersByHost) {
  const ddp_place here = Of("0", 0);
  setenv("NCCL_HOSTID", "host1", 1);
  const ddp_place first = Of("0", 0);
  EXPECT_FALSE(IsSame(here, first));
  EXPECT_TRUE(IsSame(first, Of("0", 0)));
  setenv("NCCL_HOSTID", "host2", 1);
  EXPECT_FALSE(IsSame(first, Of("0", 0)));
}

TEST_F(Place, IsNamedLikeNvidiaDoes) {
  char text[256];
  const ddp_place place = Of("0", 0);
  ddp_say_shared(12, 3, &place, text, sizeof text);
  EXPECT_EQ(std::string(text).find("rank 12 and rank 3 share GPU-07070707-0707-0707-0707-070707070707: "), 0u)
      << text;
  EXPECT_LT(strlen(text), 200u) << "it must fit into an answer";
}

} // namespace

bv_status ddp_identify_device(int device, unsigned char uuid[16]) {
  (void)device;
  memset(uuid, uuid_byte, 16);
  return BV_OK;
}
