// The writer on a healthy disk: what is in the log of what was added, and what is refused.
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "log_directory.h"
#include "random.h"

namespace {

class Writer : public LogDirectory {};

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

TEST_F(Writer, ScalarsComeBackToTheBit) {
  Random random;
  const std::vector<int64_t> steps = {0, 1, 127, 128, -1, INT64_MAX, INT64_MIN, random.between(0, 1 << 30)};
  const std::vector<double> values = {0.0, -0.0, 1.5,   INFINITY, -INFINITY,
                                      NAN, 0.1,  1e300, 1e-50,    random.uniform(-1, 1)};
  bv_tb_writer *writer = open();
  const double before = now();
  for (int64_t step : steps)
    for (double value : values)
      EXPECT_DONE(bv_tb_add_scalar(writer, "loss", step, value));
  const double after = now();
  EXPECT_DONE(bv_tb_close(writer));
  const Log log = read_log(directory_);
  ASSERT_EQ(log.events.size(), steps.size() * values.size());
  for (size_t i = 0; i < log.events.size(); ++i) {
    const Event &event = log.events[i];
    EXPECT_TRUE(event.is_scalar);
    EXPECT_EQ(event.tag, "loss");
    EXPECT_EQ(event.plugin, "scalars");
    EXPECT_EQ(event.data_class, 1u);
    EXPECT_EQ(event.step, steps[i / values.size()]);
    const float expected = float(values[i % values.size()]);
    EXPECT_TRUE(bits_of(event.scalar) == bits_of(expected) ||
                (std::isnan(event.scalar) && std::isnan(expected)));
    EXPECT_LE(before - 1e-3, event.wall_time);
    EXPECT_LE(event.wall_time, after + 1e-3);
  }
}

TEST_F(Writer, AFileAWriterNamedAsTensorBoardWants) {
  bv_tb_writer *first = open(), *second = open();
  EXPECT_DONE(bv_tb_add_scalar(second, "second", 2, 2));
  EXPECT_DONE(bv_tb_add_scalar(first, "first", 1, 1));
  EXPECT_DONE(bv_tb_close(first));
  EXPECT_DONE(bv_tb_close(second));
  const Log log = read_log(directory_);
  ASSERT_EQ(log.files.size(), 2u);
  EXPECT_EQ(log.events.size(), 2u);
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const std::string begin = "events.out.tfevents.",
                    middle = "." + std::string(host) + "." + std::to_string(getpid()) + ".";
  for (const std::string &name : log.files) {
    SCOPED_TRACE(name);
    ASSERT_GT(name.size(), begin.size() + 10 + middle.size());
    const std::string seconds = name.substr(begin.size(), 10);
    const std::string number = name.substr(begin.size() + 10 + middle.size());
    EXPECT_EQ(name, begin + seconds + middle + number);
    EXPECT_EQ((seconds + number).find_first_not_of("0123456789"), std::string::npos);
    EXPECT_NEAR(std::stod(seconds), now(), 60);
  }
}

TEST_F(Writer, MakesDirectoriesAndStaysInThem) {
  const std::filesystem::path deep = directory_ / "a" / "b c" / "d";
  bv_tb_writer *writer;
  ASSERT_DONE(bv_tb_open((deep.string() + "//").c_str(), nullptr, &writer));
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(read_log(deep).events.size(), 1u);
}

TEST_F(Writer, TagsAreUtf8) {
  bv_tb_writer *writer = open();
  const std::string good[] = {"a",
                              "train/loss",
                              "\x7f\x01 \n",
                              "\xc2\x80",
                              "\xdf\xbf",
                              "\xe0\xa0\x80",
                              "\xed\x9f\xbf",
                              "\xee\x80\x80",
                              "\xef\xbf\xbf",
                              "\xf0\x90\x80\x80",
                              "\xf4\x8f\xbf\xbf",
                              "Größe/脑 🧠",
                              std::string(1 << 20, 'x')};
  const std::string bad[] = {"",
                             "\x80",
                             "\xbf",
                             "\xc0\x80",
                             "\xc1\xbf",
                             "\xc2",
                             "\xc2z",
                             "\xe0\x9f\xbf",
                             "\xe0\xa0",
                             "\xed\xa0\x80",
                             "\xed\xbf\xbf",
                             "\xef\xbf",
                             "\xf0\x8f\xbf\xbf",
                             "\xf0\x90\x80",
                             "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80",
                             "\xff",
                             "fine until \xe4"};
  for (const std::string &tag : good)
    EXPECT_DONE(bv_tb_add_scalar(writer, tag.c_str(), 0, 1)) << tag;
  for (const std::string &tag : bad)
    EXPECT_REFUSED(bv_tb_add_scalar(writer, tag.c_str(), 0, 1), BV_ERROR_VALUE, "tag");
  EXPECT_REFUSED(bv_tb_add_scalar(writer, "fine until \xe4", 0, 1), BV_ERROR_VALUE, "byte 11, 0xe4");
  EXPECT_REFUSED(bv_tb_add_scalar(writer, nullptr, 0, 1), BV_ERROR_NULL, "tag is NULL");
  EXPECT_DONE(bv_tb_close(writer));
  const Log log = read_log(directory_);
  ASSERT_EQ(log.events.size(), std::size(good));
  for (size_t i = 0; i < log.events.size(); ++i)
    EXPECT_EQ(log.events[i].tag, good[i]);
}

TEST_F(Writer, TellsWhatIsWrongWithArguments) {
  bv_tb_writer *writer = nullptr;
  const std::string place = directory_ / "never";
  EXPECT_REFUSED(bv_tb_open(place.c_str(), nullptr, nullptr), BV_ERROR_NULL, "writer is NULL");
  EXPECT_REFUSED(bv_tb_open(nullptr, nullptr, &writer), BV_ERROR_NULL, "directory is NULL");
  EXPECT_REFUSED(bv_tb_open("", nullptr, &writer), BV_ERROR_VALUE, "directory is empty");
  const bv_tb_options fine = BV_TB_OPTIONS_INIT;
  const auto refuse = [&](auto change, const char *words) {
    bv_tb_options options = fine;
    change(options);
    writer = reinterpret_cast<bv_tb_writer *>(&options);
    EXPECT_REFUSED(bv_tb_open(place.c_str(), &options, &writer), BV_ERROR_VALUE, words);
    EXPECT_EQ(writer, nullptr);
  };
  refuse([](bv_tb_options &o) { o.struct_size = 8; }, "options->struct_size is 8");
  refuse([](bv_tb_options &o) { o.when_full = 2; }, "options->when_full is 2");
  refuse([](bv_tb_options &o) { o.when_full = -1; }, "options->when_full is -1");
  refuse([](bv_tb_options &o) { o.reserved = 1; }, "options->reserved is 1");
  refuse([](bv_tb_options &o) { o.queue_entries = 0; }, "options->queue_entries is 0");
  refuse([](bv_tb_options &o) { o.queue_bytes = 1023; }, "options->queue_bytes is 1023");
  refuse([](bv_tb_options &o) { o.flush_seconds = -1; }, "options->flush_seconds is -1");
  refuse([](bv_tb_options &o) { o.flush_seconds = NAN; }, "options->flush_seconds is");
  refuse([](bv_tb_options &o) { o.flush_seconds = INFINITY; }, "options->flush_seconds is inf");
  EXPECT_FALSE(std::filesystem::exists(place)) << "a refused call made the directory";

  bv_tb_info info;
  EXPECT_REFUSED(bv_tb_add_scalar(nullptr, "tag", 0, 0), BV_ERROR_NULL, "writer is NULL");
  EXPECT_REFUSED(bv_tb_add_image(nullptr, "tag", 0, nullptr, nullptr, nullptr), BV_ERROR_NULL,
                 "writer is NULL");
  EXPECT_REFUSED(bv_tb_add_images(nullptr, "tag", 0, nullptr, nullptr, nullptr, nullptr), BV_ERROR_NULL,
                 "writer is NULL");
  EXPECT_REFUSED(bv_tb_flush(nullptr), BV_ERROR_NULL, "writer is NULL");
  EXPECT_REFUSED(bv_tb_get_info(nullptr, &info), BV_ERROR_NULL, "writer is NULL");
  EXPECT_DONE(bv_tb_close(nullptr));
  writer = open();
  EXPECT_REFUSED(bv_tb_get_info(writer, nullptr), BV_ERROR_NULL, "info is NULL");
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_STREQ(bv_tb_status_string(BV_TB_ERROR_FILE), "log file error");
  EXPECT_STREQ(bv_tb_status_string(BV_ERROR_VALUE), bv_status_string(BV_ERROR_VALUE));
}

// From several threads at once: all of it, each thread's in its order.
TEST_F(Writer, ServesManyThreads) {
  constexpr int threads = 4, each = 200;
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.queue_entries = 7;
  bv_tb_writer *writer = open(&options);
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread)
    running.emplace_back([=] {
      const std::string tag = "thread/" + std::to_string(thread);
      std::vector<uint8_t> pixels(6 * 5, uint8_t(thread));
      const int64_t shape[2] = {6, 5};
      const bv_tensor picture = bv_contiguous_tensor(pixels.data(), BV_U8, BV_CPU, 2, shape);
      for (int i = 0; i < each; ++i) {
        EXPECT_DONE(i % 10 ? bv_tb_add_scalar(writer, tag.c_str(), i, i)
                           : bv_tb_add_image(writer, tag.c_str(), i, &picture, nullptr, nullptr));
        if (i % 50 == 0) {
          EXPECT_DONE(bv_tb_flush(writer));
        }
      }
    });
  for (std::thread &thread : running)
    thread.join();
  EXPECT_DONE(bv_tb_close(writer));
  const Log log = read_log(directory_);
  EXPECT_EQ(log.events.size(), size_t(threads * each));
  for (int thread = 0; thread < threads; ++thread) {
    const std::vector<Event> events = log.tagged("thread/" + std::to_string(thread));
    ASSERT_EQ(events.size(), size_t(each));
    for (int i = 0; i < each; ++i)
      EXPECT_EQ(events[size_t(i)].step, i);
  }
}

// Long before the writer is closed, without being asked to.
TEST_F(Writer, WritesWhatIsDue) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  for (double seconds : {0.0, 0.2}) {
    options.flush_seconds = seconds;
    bv_tb_writer *writer = open(&options);
    const size_t before = read_log(directory_).events.size();
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
    for (int tries = 0; tries < 2000 && info_of(writer).written == 0; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(read_log(directory_).events.size(), before + 1);
    EXPECT_DONE(bv_tb_close(writer));
  }
  options.flush_seconds = 1e300; // some decades
  bv_tb_writer *writer = open(&options);
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(read_log(directory_).events.size(), 3u);
}

} // namespace
