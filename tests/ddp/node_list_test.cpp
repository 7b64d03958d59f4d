// SLURM's node lists: the first host of each.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "node_list.h"
}

namespace {

TEST(NodeList, FirstHost) {
  const struct {
    const char *list, *host;
  } cases[] = {{"node1", "node1"},
               {"node1,node2", "node1"},
               {"node[1-4]", "node1"},
               {"node[001-004]", "node001"},
               {"node[7,9-12]", "node7"},
               {"gpu[01-02]-ib,login", "gpu01-ib"},
               {"a,b[1-2]", "a"},
               {"gpu-1.cluster.org,gpu-2", "gpu-1.cluster.org"},
               {"x1000c[0-1]s[2-3]b0n0", "x1000c0s2b0n0"},
               {"x[1000-1001]c[0-7]s[0-15]b[0-1]n[0-3],y", "x1000c0s0b0n0"},
               {"a[08-12,3]b[1,3-5]-ib.cluster", "a08b1-ib.cluster"},
               {"a[8-012]", "a8"},
               {"[1-3]", "1"},
               {"[1-3]a", "1a"},
               {"a[1-2][3-4]", "a13"},
               {"bgl[000x133]", "bgl000"},
               {"bgp[A00xB33]", "bgpA00"},
               {"a[1]", "a1"},
               {"a[1],b[", "a1"}, // the rest is of no interest
               {"", nullptr},
               {",a", nullptr},
               {"a[", nullptr},
               {"a[1", nullptr},
               {"a[]", nullptr},
               {"a[x]", nullptr},
               {"a[1-]", nullptr},
               {"a[-1]", nullptr},
               {"a[1,]", nullptr},
               {"a[1-2-3]", nullptr},
               {"a[1;2]", nullptr},
               {"a[1-2]b[3-4", nullptr},
               {"a[[1-2]]", nullptr},
               {"a]", nullptr},
               {"a[1]]", nullptr}};
  char host[256];
  for (const auto &c : cases) {
    EXPECT_EQ(ddp_first_host(c.list, host, sizeof host), c.host != nullptr) << c.list;
    if (c.host) {
      EXPECT_STREQ(host, c.host) << c.list;
    }
  }
  EXPECT_TRUE(ddp_first_host(std::string(255, 'a').c_str(), host, sizeof host));
  EXPECT_FALSE(ddp_first_host(std::string(256, 'a').c_str(), host, sizeof host));
  EXPECT_FALSE(ddp_first_host((std::string(255, 'a') + "[1]").c_str(), host, sizeof host));
}

} // namespace
