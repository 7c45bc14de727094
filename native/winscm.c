/*
 * The service as an administrator handles it: installing, starting, stopping and removing it with
 * the service control manager, its source in the event log, and a folder for it alone.
 */
#include "winaddon.h"

#include <aclapi.h>
#include <sddl.h>
#include <wchar.h>

enum {
  NAME_CHARS_MAX = 257,
  /* Of a command line, and of a path. */
  LONG_CHARS_MAX = 32768,
  RESTART_SOON_MS = 5 * 1000,
  RESTART_LATER_MS = 60 * 1000,
  /* So long without a failure, and the next one counts as the first again. */
  FORGIVE_S = 60 * 60,
};

/* Closes and clears a handle of the SCM; the error that was last stays. */
static void close_service(SC_HANDLE handle) {
  const DWORD error = GetLastError();
  if (handle != NULL) CloseServiceHandle(handle);
  SetLastError(error);
}

/* NULL with GetLastError() when it is not there or may not be had. */
static SC_HANDLE open_service(const WCHAR *name, DWORD access) {
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
  if (manager == NULL) return NULL;
  const SC_HANDLE service = OpenServiceW(manager, name, access);
  close_service(manager);
  return service;
}

/* mayChangeServices(): whether this user is an administrator with all rights. */
static napi_value may_change_services(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
  napi_get_boolean(env, manager != NULL, &result);
  close_service(manager);
  return result;
}

static bool restart_when_it_fails(SC_HANDLE service) {
  SC_ACTION actions[] = {{SC_ACTION_RESTART, RESTART_SOON_MS},
                         {SC_ACTION_RESTART, RESTART_SOON_MS},
                         {SC_ACTION_RESTART, RESTART_LATER_MS}};
  SERVICE_FAILURE_ACTIONSW failure = {
      .dwResetPeriod = FORGIVE_S, .cActions = 3, .lpsaActions = actions};
  /* Also when it said STOPPED with an exit code, not only when it crashed. */
  SERVICE_FAILURE_ACTIONS_FLAG flag = {.fFailureActionsOnNonCrashFailures = TRUE};
  return ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure) &&
         ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &flag);
}

/*
 * installService(name, displayName, description, commandLine, account): starts with the machine;
 * account "" is the system itself. Returns {described, restarts}: what Windows took of that which a service works without.
 */
static napi_value install_service(napi_env env, napi_callback_info info) {
  static WCHAR command[LONG_CHARS_MAX];
  WCHAR name[NAME_CHARS_MAX], display_name[NAME_CHARS_MAX], description[NAME_CHARS_MAX];
  WCHAR account[NAME_CHARS_MAX];
  napi_value arguments[5], result;
  arguments_of(env, info, arguments, 5);
  if (!text_of(env, arguments[0], name, NAME_CHARS_MAX) ||
      !text_of(env, arguments[1], display_name, NAME_CHARS_MAX) ||
      !text_of(env, arguments[2], description, NAME_CHARS_MAX) ||
      !text_of(env, arguments[3], command, LONG_CHARS_MAX) ||
      !text_of(env, arguments[4], account, NAME_CHARS_MAX)) {
    return undefined(env);
  }
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
  if (manager == NULL) return throw_error(env, "OpenSCManager", GetLastError());
  const SC_HANDLE service = CreateServiceW(
      manager, name, display_name, SERVICE_CHANGE_CONFIG | SERVICE_START, SERVICE_WIN32_OWN_PROCESS,
      SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL,
      account[0] == 0 ? NULL : account, NULL);
  close_service(manager);
  if (service == NULL) return throw_error(env, "CreateService", GetLastError());
  SERVICE_DESCRIPTIONW text = {description};
  napi_create_object(env, &result);
  put_flag(env, result, "described",
           ChangeServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, &text));
  put_flag(env, result, "restarts", restart_when_it_fails(service));
  close_service(service);
  return result;
}

/* removeService(name): it is gone once it is stopped and nobody looks at it any more. */
static napi_value remove_service(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, DELETE);
  const bool removed = service != NULL && DeleteService(service);
  close_service(service);
  return removed ? undefined(env) : throw_error(env, "DeleteService", GetLastError());
}

/* startService(name): comes back before it runs. */
static napi_value start_service(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, SERVICE_START);
  const bool started = service != NULL && StartServiceW(service, 0, NULL);
  close_service(service);
  return started ? undefined(env) : throw_error(env, "StartService", GetLastError());
}

/* stopService(name): comes back before it has stopped. */
static napi_value stop_service(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  SERVICE_STATUS status;
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, SERVICE_STOP);
  const bool asked = service != NULL && ControlService(service, SERVICE_CONTROL_STOP, &status);
  close_service(service);
  return asked ? undefined(env) : throw_error(env, "ControlService", GetLastError());
}

/* serviceStatus(name) → {state, pid, error, exitCode}, numbers as Windows has them. */
static napi_value service_status(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  SERVICE_STATUS_PROCESS status;
  DWORD needed;
  napi_value argument, result;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, SERVICE_QUERY_STATUS);
  const bool told =
      service != NULL && QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status,
                                              sizeof status, &needed);
  close_service(service);
  if (!told) return throw_error(env, "QueryServiceStatus", GetLastError());
  napi_create_object(env, &result);
  put_number(env, result, "state", status.dwCurrentState);
  put_number(env, result, "pid", status.dwProcessId);
  put_number(env, result, "error", status.dwWin32ExitCode);
  put_number(env, result, "exitCode", status.dwServiceSpecificExitCode);
  return result;
}

static const WCHAR EVENT_SOURCES[] =
    L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\%ls";
/* Its message 1 is the text itself, in every Windows. */
static const WCHAR EVENT_MESSAGES[] = L"%SystemRoot%\\System32\\EventCreate.exe";

static void event_key_of(const WCHAR *name, WCHAR *key) {
  _snwprintf(key, NAME_CHARS_MAX * 2, EVENT_SOURCES, name);
}

/* addEventSource(name) */
static napi_value add_event_source(napi_env env, napi_callback_info info) {
  const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
  WCHAR name[NAME_CHARS_MAX], key[NAME_CHARS_MAX * 2];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  event_key_of(name, key);
  LSTATUS error = RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"EventMessageFile", REG_EXPAND_SZ,
                                  EVENT_MESSAGES, sizeof EVENT_MESSAGES);
  if (error == ERROR_SUCCESS) {
    error = RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"TypesSupported", REG_DWORD, &types,
                            sizeof types);
  }
  if (error != ERROR_SUCCESS) return throw_error(env, "RegSetKeyValue", error);
  return undefined(env);
}

/* removeEventSource(name): none there is as good. */
static napi_value remove_event_source(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX], key[NAME_CHARS_MAX * 2];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  event_key_of(name, key);
  const LSTATUS error = RegDeleteKeyW(HKEY_LOCAL_MACHINE, key);
  if (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND) return undefined(env);
  return throw_error(env, "RegDeleteKey", error);
}

/* Administrators own it; they and the system may do all in it, nobody else anything. */
#define PRIVATE_FOLDER L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
/* But one more, who may read, write, run and delete: not change its rights. */
#define SHARED_FOLDER PRIVATE_FOLDER L"(A;OICI;0x1301bf;;;%ls)"

static bool is_this_user(PSID sid) {
  union {
    TOKEN_USER user;
    BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
  } about;
  DWORD length;
  const bool told = GetTokenInformation(GetCurrentProcessToken(), TokenUser, &about, sizeof about,
                                        &length);
  return told && EqualSid(sid, about.user.User.Sid);
}

/* Whether somebody who is no administrator made it: who owns a folder may change its rights again. */
static DWORD owner_error_of(const WCHAR *path) {
  PSID owner;
  PSECURITY_DESCRIPTOR about;
  const DWORD error = GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION,
                                            &owner, NULL, NULL, NULL, &about);
  if (error != ERROR_SUCCESS) return error;
  const bool is_ours = IsWellKnownSid(owner, WinBuiltinAdministratorsSid) ||
                       IsWellKnownSid(owner, WinLocalSystemSid) || is_this_user(owner);
  LocalFree(about);
  return is_ours ? ERROR_SUCCESS : ERROR_INVALID_OWNER;
}

static DWORD make_private(const WCHAR *path, const WCHAR *also) {
  WCHAR rights[NAME_CHARS_MAX * 2] = PRIVATE_FOLDER;
  PSECURITY_DESCRIPTOR wanted;
  if (also[0] != 0) _snwprintf(rights, NAME_CHARS_MAX * 2, SHARED_FOLDER, also);
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(rights, SDDL_REVISION_1, &wanted,
                                                            NULL)) {
    return GetLastError();
  }
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, wanted, FALSE};
  DWORD error = CreateDirectoryW(path, &attributes) ? ERROR_SUCCESS : GetLastError();
  if (error == ERROR_ALREADY_EXISTS) {
    const DWORD kind = GetFileAttributesW(path);
    const bool is_folder = kind != INVALID_FILE_ATTRIBUTES && (kind & FILE_ATTRIBUTE_DIRECTORY) &&
                           !(kind & FILE_ATTRIBUTE_REPARSE_POINT);
    error = is_folder ? owner_error_of(path) : ERROR_DIRECTORY;
    if (error == ERROR_SUCCESS &&
        !SetFileSecurityW(path,
                          OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                              PROTECTED_DACL_SECURITY_INFORMATION,
                          wanted)) {
      error = GetLastError();
    }
  }
  LocalFree(wanted);
  return error;
}

/* makePrivateFolder(path, sid): makes it, or takes one that an administrator has made; sid may be "". */
static napi_value make_private_folder(napi_env env, napi_callback_info info) {
  static WCHAR path[LONG_CHARS_MAX];
  WCHAR sid[NAME_CHARS_MAX];
  napi_value arguments[2];
  arguments_of(env, info, arguments, 2);
  if (!text_of(env, arguments[0], path, LONG_CHARS_MAX)) return undefined(env);
  if (!text_of(env, arguments[1], sid, NAME_CHARS_MAX)) return undefined(env);
  const DWORD error = make_private(path, sid);
  return error == ERROR_SUCCESS ? undefined(env) : throw_error(env, "the folder", error);
}

void add_service_manager(napi_env env, napi_value exports) {
  put_function(env, exports, "mayChangeServices", may_change_services);
  put_function(env, exports, "installService", install_service);
  put_function(env, exports, "removeService", remove_service);
  put_function(env, exports, "startService", start_service);
  put_function(env, exports, "stopService", stop_service);
  put_function(env, exports, "serviceStatus", service_status);
  put_function(env, exports, "addEventSource", add_event_source);
  put_function(env, exports, "removeEventSource", remove_event_source);
  put_function(env, exports, "makePrivateFolder", make_private_folder);
}
