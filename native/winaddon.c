/* The addon's beginning, and the way of values and errors between C and JavaScript. */
#include "winaddon.h"

#include <stdint.h>
#include <wchar.h>

#define NODE_API_DEFINED(name, parameters) napi_status(*name) parameters;
NODE_API(NODE_API_DEFINED)

/* 8 is the oldest that all of today's Node versions have, and has all that is used here. */
__declspec(dllexport) INT32 node_api_module_get_api_version_v1(void) { return 8; }

__declspec(dllexport) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  const HMODULE program = GetModuleHandleW(NULL);
#define NODE_API_FOUND(name, parameters)                                  \
  name = (napi_status(*) parameters)(void *)GetProcAddress(program, #name); \
  if (name == NULL) return exports;
  NODE_API(NODE_API_FOUND)
  add_service(env, exports);
  add_service_manager(env, exports);
  add_folder(env, exports);
  add_metrics(env, exports);
  return exports;
}

void put_function(napi_env env, napi_value object, const char *name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value);
  napi_set_named_property(env, object, name, value);
}

void put_number(napi_env env, napi_value object, const char *name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

void put_flag(napi_env env, napi_value object, const char *name, bool flag) {
  napi_value value;
  napi_get_boolean(env, flag, &value);
  napi_set_named_property(env, object, name, value);
}

void put_text(napi_env env, napi_value object, const char *name, const WCHAR *text) {
  napi_value value;
  napi_create_string_utf16(env, text, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, name, value);
}

napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

enum { WORDS_CHARS_MAX = 512 };

/* What Windows says, without the line's end; '' for an error that it has no words for. */
static void words_of(DWORD error, WCHAR *words) {
  const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
  DWORD length = FormatMessageW(flags, NULL, error, 0, words, WORDS_CHARS_MAX, NULL);
  while (length > 0 && words[length - 1] <= L' ') length -= 1;
  words[length] = 0;
}

napi_value throw_error(napi_env env, const char *what, DWORD error) {
  WCHAR words[WORDS_CHARS_MAX];
  WCHAR text[WORDS_CHARS_MAX + 128];
  WCHAR code_text[32];
  napi_value code, message, thrown;
  words_of(error, words);
  /* The large ones, PDH's among them, are known by their hexadecimal digits. */
  const WCHAR *form = error < 0x80000000 ? L"%hs: error %lu%ls%ls" : L"%hs: error 0x%08lX%ls%ls";
  _snwprintf(text, sizeof text / sizeof *text, form, what, error, words[0] == 0 ? L"" : L": ",
             words);
  text[sizeof text / sizeof *text - 1] = 0;
  _snwprintf(code_text, sizeof code_text / sizeof *code_text, L"WIN32_%lu", error);
  napi_create_string_utf16(env, code_text, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf16(env, text, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &thrown);
  napi_throw(env, thrown);
  return undefined(env);
}

void arguments_of(napi_env env, napi_callback_info info, napi_value *values, size_t count) {
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
}

bool text_of(napi_env env, napi_value value, WCHAR *text, size_t size) {
  size_t length;
  const bool is_string = napi_get_value_string_utf16(env, value, NULL, 0, &length) == 0;
  if (is_string && length < size) {
    napi_get_value_string_utf16(env, value, text, size, &length);
    return true;
  }
  throw_error(env, is_string ? "an argument is too long" : "an argument is no text",
              ERROR_INVALID_PARAMETER);
  return false;
}
