/*
 * What the C files of winaddon.node share: the part of Node-API that they use, and how values and
 * errors go to JavaScript and back.
 *
 * Node-API is looked up in the running program when the addon is loaded. An import library would tie
 * it to a program named node.exe, and ours has another name.
 */
#pragma once

#define WIN32_LEAN_AND_MEAN
#define UNICODE
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <windows.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef struct napi_threadsafe_function__ *napi_threadsafe_function;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
typedef void (*napi_finalize)(napi_env, void *, void *);
typedef void (*napi_threadsafe_function_call_js)(napi_env, napi_value, void *, void *);
/** An enum there; 0 is success. */
typedef int napi_status;

/** Length of a string that ends with 0. */
#define NAPI_AUTO_LENGTH SIZE_MAX
#define NAPI_NONBLOCKING 0
#define NAPI_ABORT 1

#define NODE_API(X)                                                                               \
  X(napi_call_threadsafe_function, (napi_threadsafe_function, void *, int))                       \
  X(napi_create_array, (napi_env, napi_value *))                                                  \
  X(napi_create_double, (napi_env, double, napi_value *))                                         \
  X(napi_create_error, (napi_env, napi_value, napi_value, napi_value *))                          \
  X(napi_create_function,                                                                         \
    (napi_env, const char *, size_t, napi_callback, void *, napi_value *))                        \
  X(napi_create_object, (napi_env, napi_value *))                                                 \
  X(napi_create_string_utf16, (napi_env, const WCHAR *, size_t, napi_value *))                    \
  X(napi_create_string_utf8, (napi_env, const char *, size_t, napi_value *))                      \
  X(napi_create_threadsafe_function,                                                              \
    (napi_env, napi_value, napi_value, napi_value, size_t, size_t, void *, napi_finalize, void *, \
     napi_threadsafe_function_call_js, napi_threadsafe_function *))                               \
  X(napi_get_boolean, (napi_env, bool, napi_value *))                                             \
  X(napi_get_cb_info,                                                                             \
    (napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **))                \
  X(napi_get_undefined, (napi_env, napi_value *))                                                 \
  X(napi_get_value_string_utf16, (napi_env, napi_value, WCHAR *, size_t, size_t *))               \
  X(napi_get_value_uint32, (napi_env, napi_value, UINT32 *))                                      \
  X(napi_release_threadsafe_function, (napi_threadsafe_function, int))                             \
  X(napi_set_element, (napi_env, napi_value, UINT32, napi_value))                                 \
  X(napi_set_named_property, (napi_env, napi_value, const char *, napi_value))                    \
  X(napi_throw, (napi_env, napi_value))

#define NODE_API_DECLARED(name, parameters) extern napi_status(*name) parameters;
NODE_API(NODE_API_DECLARED)

/** Makes a C function a property of `object`. */
void put_function(napi_env env, napi_value object, const char *name, napi_callback function);
void put_number(napi_env env, napi_value object, const char *name, double value);
void put_flag(napi_env env, napi_value object, const char *name, bool value);
/** @param text ends with 0 */
void put_text(napi_env env, napi_value object, const char *name, const WCHAR *text);

napi_value undefined(napi_env env);

/**
 * Throws an Error in JavaScript: `code` is WIN32_NUMBER, the message has `what` and Windows' own
 * words for it, which are in the language of the machine.
 * @param what was tried, for people
 * @return what the C function returns then
 */
napi_value throw_error(napi_env env, const char *what, DWORD error);

/**
 * The arguments of a call; undefined where there are fewer.
 * @param values room for `count`
 */
void arguments_of(napi_env env, napi_callback_info info, napi_value *values, size_t count);

/**
 * An argument's text.
 * @param size of `text` in characters, the 0 at the end included
 * @return false, with an Error thrown in JavaScript, when it is no string or does not fit
 */
bool text_of(napi_env env, napi_value value, WCHAR *text, size_t size);

/* Each adds its functions to the addon's exports; native/windows/ has their types. */
void add_service(napi_env env, napi_value exports);
void add_service_manager(napi_env env, napi_value exports);
void add_folder(napi_env env, napi_value exports);
void add_metrics(napi_env env, napi_value exports);
