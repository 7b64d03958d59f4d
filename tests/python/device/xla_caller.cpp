// Calls a handler as XLA does on a GPU: call frames by XLA's own header (c_api.h of jaxlib), with a stream, a
// memory and errors of the test's. For test_xla.py.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "xla/ffi/api/c_api.h"

// What XLA has of the device, for this test.
struct Machine {
  void *stream;
  void *(*allocate)(size_t size);
  void (*release)(void *memory, size_t size);
};

struct Array {
  int dtype;
  void *data;
  int64_t rank;
  int64_t *dims;
};

struct XLA_FFI_ExecutionContext {
  const Machine *machine;
};

struct XLA_FFI_Error {
  std::string message;
  XLA_FFI_Error_Code code;
};

namespace {

XLA_FFI_Error *create_error(XLA_FFI_Error_Create_Args *args) {
  if (args->struct_size < XLA_FFI_Error_Create_Args_STRUCT_SIZE)
    return nullptr;
  return new XLA_FFI_Error{args->message, args->errc};
}

XLA_FFI_Error *get_stream(XLA_FFI_Stream_Get_Args *args) {
  if (args->struct_size < XLA_FFI_Stream_Get_Args_STRUCT_SIZE)
    return new XLA_FFI_Error{"short arguments", XLA_FFI_Error_Code_INTERNAL};
  args->stream = args->ctx->machine->stream;
  return nullptr;
}

XLA_FFI_Error *allocate(XLA_FFI_DeviceMemory_Allocate_Args *args) {
  if (args->struct_size < XLA_FFI_DeviceMemory_Allocate_Args_STRUCT_SIZE || args->alignment > 16)
    return new XLA_FFI_Error{"short arguments, or an alignment that XLA does not know",
                             XLA_FFI_Error_Code_INTERNAL};
  args->data = args->ctx->machine->allocate(args->size);
  return args->data ? nullptr
                    : new XLA_FFI_Error{"the test has no memory", XLA_FFI_Error_Code_RESOURCE_EXHAUSTED};
}

XLA_FFI_Error *release(XLA_FFI_DeviceMemory_Free_Args *args) {
  if (args->struct_size < XLA_FFI_DeviceMemory_Free_Args_STRUCT_SIZE)
    return new XLA_FFI_Error{"short arguments", XLA_FFI_Error_Code_INTERNAL};
  args->ctx->machine->release(args->data, args->size);
  return nullptr;
}

const XLA_FFI_Api *api() {
  static XLA_FFI_Api api{};
  api.struct_size = XLA_FFI_Api_STRUCT_SIZE;
  api.api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR};
  api.XLA_FFI_Error_Create = create_error;
  api.XLA_FFI_Stream_Get = get_stream;
  api.XLA_FFI_DeviceMemory_Allocate = allocate;
  api.XLA_FFI_DeviceMemory_Free = release;
  return &api;
}

int taken(XLA_FFI_Error *error, char *message, size_t room) {
  if (!error)
    return XLA_FFI_Error_Code_OK;
  int code = error->code;
  std::strncpy(message, error->message.c_str(), room - 1);
  delete error;
  return code;
}

} // namespace

extern "C" int xla_type(const char *name) {
  static const std::map<std::string, int> types = {
      {"bool", XLA_FFI_DataType_PRED},     {"int8", XLA_FFI_DataType_S8},
      {"int16", XLA_FFI_DataType_S16},     {"int32", XLA_FFI_DataType_S32},
      {"uint8", XLA_FFI_DataType_U8},      {"uint16", XLA_FFI_DataType_U16},
      {"uint32", XLA_FFI_DataType_U32},    {"float16", XLA_FFI_DataType_F16},
      {"float32", XLA_FFI_DataType_F32},   {"float64", XLA_FFI_DataType_F64},
      {"bfloat16", XLA_FFI_DataType_BF16}, {"complex64", XLA_FFI_DataType_C64},
  };
  return types.at(name);
}

// arrays: the arguments, and then the result. The error's code, or 0.
extern "C" int xla_call(XLA_FFI_Handler *handler, const Machine *machine, int count, const Array *arrays,
                        int attributes, const char *const *names, const Array *values, char *message,
                        size_t room) {
  XLA_FFI_ExecutionContext context{machine};
  std::vector<XLA_FFI_Buffer> buffers;
  for (int i = 0; i < count; ++i)
    buffers.push_back({XLA_FFI_Buffer_STRUCT_SIZE, nullptr, XLA_FFI_DataType(arrays[i].dtype), arrays[i].data,
                       arrays[i].rank, arrays[i].dims});
  std::vector<void *> pointers;
  for (XLA_FFI_Buffer &buffer : buffers)
    pointers.push_back(&buffer);
  std::vector<XLA_FFI_ArgType> kinds(count, XLA_FFI_ArgType_BUFFER);
  XLA_FFI_RetType result_kind = XLA_FFI_RetType_BUFFER;

  std::vector<XLA_FFI_ByteSpan> spans;
  std::vector<XLA_FFI_Array> contents;
  for (int i = 0; i < attributes; ++i) {
    spans.push_back({names[i], std::strlen(names[i])});
    contents.push_back({XLA_FFI_DataType(values[i].dtype), size_t(values[i].dims[0]), values[i].data});
  }
  std::vector<XLA_FFI_ByteSpan *> span_pointers;
  std::vector<void *> content_pointers;
  for (int i = 0; i < attributes; ++i) {
    span_pointers.push_back(&spans[i]);
    content_pointers.push_back(&contents[i]);
  }
  std::vector<XLA_FFI_AttrType> attribute_kinds(attributes, XLA_FFI_AttrType_ARRAY);

  XLA_FFI_CallFrame frame{};
  frame.struct_size = XLA_FFI_CallFrame_STRUCT_SIZE;
  frame.api = api();
  frame.ctx = &context;
  frame.stage = XLA_FFI_ExecutionStage_EXECUTE;
  frame.args = {XLA_FFI_Args_STRUCT_SIZE, nullptr, count - 1, kinds.data(), pointers.data()};
  frame.rets = {XLA_FFI_Rets_STRUCT_SIZE, nullptr, 1, &result_kind, &pointers[count - 1]};
  frame.attrs = {XLA_FFI_Attrs_STRUCT_SIZE, nullptr, attributes, attribute_kinds.data(), span_pointers.data(),
                 content_pointers.data()};
  return taken(handler(&frame), message, room);
}

// What a handler says of itself when it is registered: {major, minor, traits}. XLA of 2025 asks without its
// interface.
extern "C" int xla_metadata(XLA_FFI_Handler *handler, int with_interface, int *answers) {
  XLA_FFI_Metadata metadata{};
  metadata.struct_size = XLA_FFI_Metadata_STRUCT_SIZE;
  metadata.api_version.struct_size = XLA_FFI_Api_Version_STRUCT_SIZE;
  XLA_FFI_Metadata_Extension extension{
      {XLA_FFI_Metadata_Extension_STRUCT_SIZE, XLA_FFI_Extension_Metadata, nullptr}, &metadata};
  XLA_FFI_CallFrame frame{};
  frame.struct_size = XLA_FFI_CallFrame_STRUCT_SIZE;
  frame.extension_start = &extension.extension_base;
  frame.api = with_interface ? api() : nullptr;
  char message[256];
  int code = taken(handler(&frame), message, sizeof message);
  answers[0] = metadata.api_version.major_version;
  answers[1] = metadata.api_version.minor_version;
  answers[2] = int(metadata.traits);
  return code;
}
